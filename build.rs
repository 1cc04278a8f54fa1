//! The knowledge and the texts are built in: a change there must build the program anew.

fn main() {
    println!("cargo::rerun-if-changed=knowledge");
    println!("cargo::rerun-if-changed=prompts");
    println!("cargo::rerun-if-changed=build.rs");
}
