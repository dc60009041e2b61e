//! Tree, tiles and proofs, judged by independent implementations.

use bartizan_ledger::{
    Bundle, Checkpoint, Hash, ProofFile, SignerKey, Tile, TileKind, TileReader, TreeState, VerifierKey, leaf_hash, prove_consistency,
    prove_inclusion, verify_consistency, verify_inclusion,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2_judge::Sha256;

use crate::help::{leaf, log};

type Judge = MemoryBackedTree<Sha256, Vec<u8>>;

fn judge(size: u64) -> Judge {
    let mut tree = Judge::new();
    for index in 0..size {
        tree.push(leaf(index));
    }
    tree
}

fn judged_root(size: u64) -> Hash {
    judge(size).root().as_bytes().as_slice().try_into().unwrap()
}

#[test]
fn roots_are_those_of_an_independent_tree() {
    for size in [0, 1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 70_000] {
        assert_eq!(log(size).1.root(), judged_root(size), "size {size}");
    }
}

#[test]
fn paths_are_those_of_the_specification() {
    let check = |kind, index, width, expected: &str| assert_eq!(Tile { kind, index, width }.path(), expected);
    check(TileKind::Level(0), 0, 256, "tile/0/000");
    check(TileKind::Level(0), 1_234_067, 256, "tile/0/x001/x234/067");
    check(TileKind::Level(3), 999, 7, "tile/3/999.p/7");
    check(TileKind::Entries, 1_000, 255, "tile/entries/x001/000.p/255");
}

#[test]
fn a_tree_of_70000_has_the_tiles_that_the_specification_names() {
    let (folder, tree) = log(70_000);
    let paths: Vec<_> = tree.partials().into_iter().map(|write| (write.tile.path(), write.bytes.len())).collect();
    let expected = [("tile/0/273.p/112", 112 * 32), ("tile/1/001.p/17", 17 * 32), ("tile/2/000.p/1", 32)];
    for (path, length) in expected {
        assert!(paths.contains(&(path.to_owned(), length)), "{path} of {length} bytes in {paths:?}");
    }
    assert_eq!(folder.files.keys().filter(|path| path.starts_with("tile/0/") && !path.contains(".p/")).count(), 273);
    assert!(folder.files.contains_key("tile/1/000") && !folder.files.contains_key("tile/2/000"));
    let bundle = folder.read("tile/entries/000").unwrap().unwrap();
    let entries: Vec<_> = Bundle::new(&bundle).map(Result::unwrap).map(<[u8]>::to_vec).collect();
    assert_eq!(entries, (0..256).map(leaf).collect::<Vec<_>>());
}

#[test]
fn a_tree_taken_up_from_its_files_goes_on_the_same() {
    for size in [0_u64, 1, 255, 256, 257, 700, 65_536, 65_800] {
        let (mut folder, _) = log(size);
        let mut tree = TreeState::load(&folder, size).unwrap();
        let mut writes = Vec::new();
        for index in size..size + 600 {
            tree.append(&leaf(index), &mut writes).unwrap();
        }
        assert_eq!(tree.root(), log(size + 600).1.root(), "size {size}");
        folder.write(writes);
        folder.write(tree.partials());
        assert_eq!(TreeState::load(&folder, size + 600).unwrap().root(), tree.root());
    }
}

#[test]
fn a_leaf_that_no_bundle_can_hold_is_refused() {
    let mut tree = TreeState::new();
    assert!(tree.append(&vec![0; 65_536], &mut Vec::new()).is_err());
    assert_eq!(tree.size(), 0);
    assert!(tree.append(&vec![0; 65_535], &mut Vec::new()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn inclusion_proofs_are_those_of_an_independent_tree(size in 1_u64..1_500, pick in any::<u64>()) {
        let index = pick % size;
        let (folder, tree) = log(size);
        let proof = prove_inclusion(&folder, index, size).unwrap();
        let judge = judge(size);
        let judged = judge.prove_inclusion(usize::try_from(index).unwrap());
        prop_assert_eq!(proof.as_flattened(), judged.as_bytes());
        verify_inclusion(&leaf_hash(&leaf(index)), index, size, &proof, &tree.root()).unwrap();
        prop_assert!(verify_inclusion(&leaf_hash(&leaf(index + 1)), index, size, &proof, &tree.root()).is_err());
        if size > 1 {
            prop_assert!(verify_inclusion(&leaf_hash(&leaf(index)), (index + 1) % size, size, &proof, &tree.root()).is_err());
            prop_assert!(verify_inclusion(&leaf_hash(&leaf(index)), index, size, &proof[1..], &tree.root()).is_err());
        }
        let longer: Vec<Hash> = proof.iter().copied().chain([[0; 32]]).collect();
        prop_assert!(verify_inclusion(&leaf_hash(&leaf(index)), index, size, &longer, &tree.root()).is_err());
    }

    #[test]
    fn consistency_proofs_are_those_of_an_independent_tree(new in 1_u64..1_500, pick in any::<u64>()) {
        let old = 1 + pick % new;
        let (folder, tree) = log(new);
        let before = log(old).1.root();
        let proof = prove_consistency(&folder, old, new).unwrap();
        verify_consistency((old, &before), (new, &tree.root()), &proof).unwrap();
        if old < new {
            let judged = judge(new).prove_consistency(usize::try_from(new - old).unwrap());
            prop_assert_eq!(proof.as_flattened(), judged.as_bytes());
            prop_assert!(verify_consistency((old, &tree.root()), (new, &before), &proof).is_err());
            for place in 0..proof.len() {
                let mut wrong = proof.clone();
                wrong[place][0] ^= 1;
                prop_assert!(verify_consistency((old, &before), (new, &tree.root()), &wrong).is_err());
            }
        }
    }
}

#[test]
fn large_trees_prove_too() {
    let (folder, tree) = log(70_000);
    for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
        let proof = prove_inclusion(&folder, index, 70_000).unwrap();
        verify_inclusion(&leaf_hash(&leaf(index)), index, 70_000, &proof, &tree.root()).unwrap();
    }
    for old in [1, 256, 65_536, 65_537, 69_999] {
        let proof = prove_consistency(&folder, old, 70_000).unwrap();
        verify_consistency((old, &log(old).1.root()), (70_000, &tree.root()), &proof).unwrap();
    }
}

#[test]
fn checkpoints_are_notes_that_an_independent_reader_accepts() {
    use signed_note::{Note, StandardVerifier, VerifierList};

    let key = SignerKey::new("example.com/log", &[3; 32]).unwrap();
    let checkpoint = Checkpoint { origin: "example.com/log".to_owned(), size: 7, root: [9; 32] };
    let note = checkpoint.sign(&key);
    let vkey = key.verifier().to_string();
    let verifier = StandardVerifier::new(&vkey).unwrap();
    let judged = Note::from_bytes(note.as_bytes()).unwrap();
    let (verified, unverified) = judged.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));

    let keys = [VerifierKey::parse(&vkey).unwrap()];
    assert_eq!(Checkpoint::open(&note, &keys).unwrap(), checkpoint);
    let other = SignerKey::new("example.com/log", &[4; 32]).unwrap();
    for (name, wrong) in [
        ("size", note.replacen("\n7\n", "\n8\n", 1)),
        ("other key", checkpoint.sign(&other)),
        ("no signature", note.split("\n\n").next().unwrap().to_owned()),
        ("leading zero", key.sign_note("example.com/log\n07\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n")),
        ("control character", note.replace("log\n", "log\r\n")),
    ] {
        assert!(Checkpoint::open(&wrong, &keys).is_err(), "{name}");
    }
    let both = format!("{note}{}", checkpoint.sign(&other).rsplit("\n\n").next().unwrap());
    assert!(Checkpoint::open(&both, &keys).is_ok(), "signatures of unknown keys are passed over");
}

#[test]
fn bad_verifier_keys_are_refused() {
    let good = SignerKey::new("example.com/log", &[3; 32]).unwrap().verifier().to_string();
    assert!(VerifierKey::parse(&good).is_ok());
    let parts: Vec<&str> = good.split('+').collect();
    for bad in ["", "a", "a+b", &good.replace("example", "another"), &format!("{}+{}", parts[0], parts[2]), &format!("{good}AAAA")] {
        assert!(VerifierKey::parse(bad).is_err(), "{bad}");
    }
    for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
        assert!(SignerKey::new(name, &[1; 32]).is_err(), "{name:?}");
    }
}

#[test]
fn a_proof_file_stands_alone() {
    let key = crate::help::key();
    let (folder, _) = log(1_000);
    let proof = ProofFile {
        entry: Some(leaf(42)),
        index: 42,
        path: prove_inclusion(&folder, 42, 1_000).unwrap(),
        checkpoint: String::from_utf8(folder.files["checkpoint"].clone()).unwrap(),
    };
    let text = proof.to_text();
    let read = ProofFile::parse(&text).unwrap();
    assert_eq!(read, proof);
    let keys = [key.verifier().clone()];
    assert_eq!(read.verify(&keys).unwrap().size, 1_000);
    assert!(ProofFile { index: 43, ..proof.clone() }.verify(&keys).is_err());
    assert!(ProofFile { entry: Some(leaf(43)), ..proof.clone() }.verify(&keys).is_err());
    assert!(ProofFile { entry: None, ..proof }.verify(&keys).is_err());
    for bad in ["", "c2sp.org/tlog-proof@v1\n", &text.replace("index 42", "index 042"), &text.replace("@v1", "@v2")] {
        assert!(ProofFile::parse(bad).is_err(), "{bad}");
    }
}
