//! The log as data, judged by independent implementations and by tampering.

#[cfg(test)]
mod entry;
#[cfg(test)]
mod help;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod verify;
