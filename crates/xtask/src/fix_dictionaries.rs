//! # Room card: xtask/fix_dictionaries
//! In:    a folder with QuickFIX's dictionaries, FIX40.xml to FIX50SP2.xml and FIXT11.xml.
//! Out:   their compact tables in crates/wire/src/fix/dictionary/tables.
//! Holds: the same files give the same bytes; nothing of this runs when the product is built.
//! Costs: cold.
use std::fs;
use std::path::Path;

use wire::fix::dictionary::{Dictionary, FixVersion};

/// Where the tables are.
const TABLES: &str = "crates/wire/src/fix/dictionary/tables";

/// Makes every table.
pub fn write(root: &Path, folder: &Path) -> Result<bool, String> {
    let mut total = 0;
    for version in FixVersion::ALL {
        let file = folder.join(format!("{}.xml", version.name()));
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let table = Dictionary::pack_xml(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let target = root.join(TABLES).join(format!("{}.bin", version.name()));
        fs::write(&target, &table).map_err(|error| format!("{}: {error}", target.display()))?;
        println!("{}: {} bytes of {}", version.name(), table.len(), text.len());
        total += table.len();
    }
    println!("{total} bytes in {} tables", FixVersion::ALL.len());
    Ok(true)
}
