//! A model that is a table: each word has its class. Written as ONNX by hand, so that no weights of others are needed.

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value, &mut out);
    out
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3 | 2, &mut out);
    varint(value.len() as u64, &mut out);
    out.extend(value);
    out
}

/// A value of the graph: its type (1 float, 7 64-bit integer) and how many dimensions it has.
fn value(name: &str, kind: u64, rank: usize) -> Vec<u8> {
    let dimension = bytes(1, &bytes(2, b"n"));
    let shape: Vec<u8> = (0..rank).flat_map(|_| dimension.clone()).collect();
    let tensor = [number(1, kind), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}

/// A model that reads `input` and gives, for each id, its row of the table.
pub fn table(input: &str, rows: &[Vec<f32>]) -> Vec<u8> {
    let raw: Vec<u8> = rows.iter().flatten().flat_map(|score| score.to_le_bytes()).collect();
    let width = rows.first().map_or(0, Vec::len) as u64;
    let weights = [number(1, rows.len() as u64), number(1, width), number(2, 1), bytes(8, b"rows"), bytes(9, &raw)].concat();
    let node = [bytes(1, b"rows"), bytes(1, input.as_bytes()), bytes(2, b"logits"), bytes(3, b"look"), bytes(4, b"Gather")].concat();
    let graph =
        [bytes(1, &node), bytes(2, b"table"), bytes(5, &weights), bytes(11, &value(input, 7, 2)), bytes(12, &value("logits", 1, 3))];
    let opset = [bytes(1, b""), number(2, 17)].concat();
    [number(1, 8), bytes(7, &graph.concat()), bytes(8, &opset)].concat()
}
