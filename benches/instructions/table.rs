//! The table of figures, which is printed and recorded.

use std::{collections::BTreeMap, env, fmt, process::Command, str::FromStr};

use crate::{scenario::NAMES, valgrind};

pub(crate) struct Table {
    /// The compiler of the measured code. Another one generates other instructions.
    pub(crate) compiler: String,
    figures: BTreeMap<String, Figures>,
}

#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) instructions: u64,
    pub(crate) allocations: u64,
}

impl Table {
    pub(crate) fn measure() -> Self {
        let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
        let version = Command::new(rustc).arg("--version").output().expect("rustc cannot be started").stdout;
        let figures = NAMES.iter().map(|&name| {
            let (instructions, allocations) = valgrind::count(name);
            (name.to_owned(), Figures { instructions, allocations })
        });
        Self { compiler: String::from_utf8_lossy(&version).trim().to_owned(), figures: figures.collect() }
    }

    pub(crate) fn get(&self, name: &str) -> Figures {
        *self.figures.get(name).unwrap_or_else(|| panic!("{name} is not in the table: record it anew"))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.compiler)?;
        writeln!(f, "{:<34}{:>13}{:>13}", "one request", "instructions", "allocations")?;
        for name in NAMES {
            let Figures { instructions, allocations } = self.get(name);
            writeln!(f, "{name:<34}{instructions:>13}{allocations:>13}")?;
        }
        Ok(())
    }
}

impl FromStr for Table {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut lines = text.lines();
        let compiler = lines.next().ok_or("the compiler is missing")?.to_owned();
        let mut figures = BTreeMap::new();
        for line in lines.skip(1) {
            let columns: Vec<_> = line.split_whitespace().collect();
            let [name, instructions, allocations] = columns[..] else { return Err("a line must have three columns") };
            let number = |text: &str| text.parse().map_err(|_| "a figure is not a number");
            let line = Figures { instructions: number(instructions)?, allocations: number(allocations)? };
            figures.insert(name.to_owned(), line);
        }
        Ok(Self { compiler, figures })
    }
}
