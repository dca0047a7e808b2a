//! What the program can be asked.

use crate::place::Adapter;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Looks into stores that are kept on a disk, and makes and restores their backups.
///
/// Ends with 0 if it did what was asked; 1 if there is no such thing, or what is there is damaged; 2 if the question was
/// wrong, or could not be answered.
#[derive(Debug, Parser)]
#[command(name = "engine", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    Stat(Stat),
    Get(Get),
    Scan(Scan),
    Export(Export),
    Import(Import),
    Verify(Verify),
}

/// How keys and values are written, here and in the output.
#[derive(Debug, Clone, Copy, Args)]
pub struct Writing {
    /// Keys and values as hexadecimal digits, also those that are asked for. Otherwise text with escapes: \n, \\, \x00
    #[arg(long)]
    pub hex: bool,
}

/// Tells the version of a store, its metadata, and what its key spaces hold; reads all of it
#[derive(Debug, Args)]
pub struct Stat {
    /// The directory of the store
    pub dir: PathBuf,
    #[command(flatten)]
    pub writing: Writing,
}

/// Prints the value of a key
#[derive(Debug, Args)]
pub struct Get {
    /// The directory of the store
    pub dir: PathBuf,
    /// The key
    #[arg(allow_hyphen_values = true)]
    pub key: String,
    /// The name of its key space; else the default one
    #[arg(long)]
    pub space: Option<String>,
    #[command(flatten)]
    pub writing: Writing,
}

/// Prints entries in key order, a line each: the key, a tab, the value
#[derive(Debug, Args)]
pub struct Scan {
    /// The directory of the store
    pub dir: PathBuf,
    /// The name of the key space; else the default one
    #[arg(long)]
    pub space: Option<String>,
    /// Keys that begin with this
    #[arg(long, conflicts_with_all = ["from", "to"], allow_hyphen_values = true)]
    pub prefix: Option<String>,
    /// Keys from this one on
    #[arg(long, allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Keys before this one
    #[arg(long, allow_hyphen_values = true)]
    pub to: Option<String>,
    /// From the last to the first
    #[arg(long)]
    pub reverse: bool,
    /// At most so many
    #[arg(long)]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub writing: Writing,
}

/// Writes a backup of a store
#[derive(Debug, Args)]
pub struct Export {
    /// The directory of the store
    pub dir: PathBuf,
    /// The backup; `-`: the output. A file that is there is replaced when the backup is whole, and on the disk
    pub file: PathBuf,
}

/// Makes a store from a backup
#[derive(Debug, Args)]
pub struct Import {
    /// The directory of the store: made if it is not there, and otherwise empty, or a store that nothing was written to
    pub dir: PathBuf,
    /// The backup; `-`: the input. A file is verified before anything is made
    pub file: PathBuf,
    /// By what it is to be kept
    #[arg(long, value_enum, default_value_t)]
    pub engine: Adapter,
}

/// Reads a store or a backup to its end, and looks whether it is whole
#[derive(Debug, Args)]
pub struct Verify {
    /// The directory of a store, or a backup; `-`: a backup from the input
    pub path: PathBuf,
}
