//! The store on real folders and a real database.

#[cfg(test)]
mod crash;
#[cfg(test)]
mod data_dir;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod help;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod originals;
#[cfg(test)]
mod restore;
