//! # Room card: xtask/tidy/sizes
//! In:    sources that people write.
//! Out:   files of 500 lines or more, functions of 70 or more, lines of more than 120 columns.
//! Holds: generated files are exempt; so is a table listed below with its reason.
//! Costs: one pass over the sources.
use super::{Check, File};
use crate::source::{Language, rust_functions, typescript_functions};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;
const COLUMNS: usize = 120;
/// Files whose lines may be wider, and why.
const WIDE: [(&str, &str); 1] = [("crates/types/src/codes.rs", "a table: one code, one line")];

fn written(files: &[File]) -> Vec<&File> {
    let source = |file: &&File| file.language().is_some() && !file.is_generated() && !file.path.ends_with(".d.ts");
    files.iter().filter(source).collect()
}

/// No file grows past what one can keep in mind.
pub fn file_lengths(files: &[File]) -> Check {
    let files = written(files);
    let lengths = files.iter().map(|file| (file, file.text().lines().count()));
    let long = lengths.filter(|(_, lines)| *lines >= FILE_LINES);
    let findings = long.map(|(file, lines)| format!("{}: {lines} lines (under {FILE_LINES})", file.path)).collect();
    Check::new("files are under 500 lines", files.len(), findings)
}

/// No function does either. The callbacks that group tests are no functions of this kind.
pub fn function_lengths(files: &[File]) -> Check {
    let (mut looked_at, mut findings) = (0, Vec::new());
    for file in written(files).into_iter().filter(|file| !file.path.ends_with(".test.ts")) {
        let functions = match file.language() {
            Some(Language::Rust) => rust_functions(&file.code()),
            _ => typescript_functions(&file.code()),
        };
        looked_at += functions.len();
        for function in functions.iter().filter(|function| function.lines >= FUNCTION_LINES) {
            let (name, lines) = (&function.name, function.lines);
            findings
                .push(format!("{}:{}: {name} has {lines} lines (under {FUNCTION_LINES})", file.path, function.line));
        }
    }
    Check::new("functions are under 70 lines", looked_at, findings)
}

/// Lines fit a screen.
pub fn line_widths(files: &[File]) -> Check {
    let files = written(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !WIDE.iter().any(|(path, _)| *path == file.path)) {
        for (number, line) in file.text().lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS {
                findings.push(format!("{}:{}: {columns} columns (at most {COLUMNS})", file.path, number + 1));
            }
        }
    }
    Check::new("lines are at most 120 columns", files.len(), findings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn long_files_functions_and_lines_are_found() {
        let path = "crates/book/src/a.rs";
        let body = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
        assert!(function_lengths(&[sample(path, &body(69))]).passed());
        assert!(!function_lengths(&[sample(path, &body(70))]).passed());
        assert!(file_lengths(&[sample(path, &"\n".repeat(499))]).passed());
        assert!(!file_lengths(&[sample(path, &"\n".repeat(500))]).passed());
        assert!(line_widths(&[sample(path, &"é".repeat(120))]).passed());
        assert!(!line_widths(&[sample(path, &"é".repeat(121))]).passed());
        let arrow = format!("const f = () => {{\n{}}}\n", "  g()\n".repeat(68));
        assert!(!function_lengths(&[sample("tasks.mjs", &arrow)]).passed());
    }

    #[test]
    fn generated_files_are_exempt() {
        let text = format!("// {}\n{}", crate::r#gen::BANNER, "\n".repeat(600));
        let other = || sample("crates/book/src/a.rs", "");
        assert!(file_lengths(&[sample("packages/fafnir/src/generated/x.ts", &text), other()]).passed());
    }
}
