//! Every command that the documentation shows is one: `modalign` takes its arguments, `make` has its
//! target, and an example that is named exists.

use super::pages;
use clap::{CommandFactory, Parser};
use modalign::cli::args::Cli;
use std::fs;

/// The lines of a text that are commands of `program`, continued lines joined, comments taken off.
fn commands<'a>(lines: impl Iterator<Item = &'a str>, program: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut continues = false;
    for line in lines {
        let line = line.trim_start_matches([' ', '#']);
        let line = line.strip_prefix("$ ").unwrap_or(line);
        let line = line.split(" # ").next().unwrap_or(line).trim();
        let line = line.split(" | ").next().unwrap_or(line).trim_end();
        let line = line.split("    ").next().unwrap_or(line);
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (line, false),
        };
        if continues {
            let last = found.last_mut().expect("a line that is continued");
            last.push(' ');
            last.push_str(part);
            continues = more;
        } else if line == program || line.starts_with(&format!("{program} ")) {
            found.push(part.to_string());
            continues = more;
        }
    }
    found
}

/// The words of a command line; quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(String::new()),
            (c, _) => words.last_mut().expect("a word").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What is wrong with a command line of `modalign`, if anything.
fn refused(line: &str) -> Option<String> {
    let error = Cli::try_parse_from(words(line)).err()?;
    error.use_stderr().then(|| format!("{line}\n{error}"))
}

#[test]
fn every_command_of_the_pages_parses() {
    let lines: Vec<String> = pages::all()
        .iter()
        .flat_map(|page| commands(page.code(), "modalign"))
        .collect();
    assert!(lines.len() > 60, "{} commands are found", lines.len());
    let wrong: Vec<String> = lines.iter().filter_map(|line| refused(line)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_of_the_examples_parses() {
    let mut count = 0;
    for entry in fs::read_dir(pages::root().join("examples")).expect("examples") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a text");
        for line in commands(text.lines(), "modalign") {
            count += 1;
            assert_eq!(refused(&line), None);
        }
    }
    assert!(count >= 6, "{count} commands are found");
}

/// Words behind `modalign` in code between backquotes name a verb.
#[test]
fn every_verb_that_is_named_exists() {
    let program = Cli::command();
    let known: Vec<&str> = program
        .get_subcommands()
        .map(|verb| verb.get_name())
        .collect();
    for page in pages::all() {
        for line in page.prose() {
            for code in line.split('`').skip(1).step_by(2) {
                let mut parts = code.split(' ');
                if parts.next() == Some("modalign")
                    && let Some(verb) = parts.next().filter(|word| !word.starts_with('-'))
                {
                    assert!(known.contains(&verb), "{}: {code}", page.path.display());
                }
            }
        }
    }
}

#[test]
fn every_target_of_make_and_every_example_exists() {
    let makefile = fs::read_to_string(pages::root().join("Makefile")).expect("Makefile");
    for page in pages::all() {
        for line in commands(page.code(), "make") {
            let target = line.split(' ').nth(1).expect("a target");
            let rule = format!("\n{target}:");
            assert!(makefile.contains(&rule), "{}: {line}", page.path.display());
        }
        for line in commands(page.code(), "python") {
            let script = line.split(' ').nth(1).expect("a script");
            assert!(
                pages::root().join(script).is_file(),
                "{}: {line}",
                page.path.display()
            );
        }
    }
}
