//! Checks a whole file before the import writes any of it.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};

use ig_core::id::{LookupType, Rid};
use ig_core::lookup::{ImportMode, LookupDraft, LookupTable};

use super::columns::FileScope;
use super::file::{self, Format, ReadControl, row_fault};
use crate::document::{FileFault, ImportReport};

/// The most faults that a report lists.
const MAX_FAULTS: usize = 1_000;
/// The most tables in one file: types times tenants.
const MAX_TABLES: usize = 1_000;

/// The result of checking a file.
#[derive(Debug, Default)]
pub(super) struct CheckedFile {
    /// The number of valid rows.
    pub(super) rows: u64,
    /// The tables that these rows belong to.
    pub(super) tables: BTreeSet<LookupTable>,
    faults: Vec<FileFault>,
    further: u64,
}

impl CheckedFile {
    /// Whether every row can be imported.
    pub(super) fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    /// The types of the rows.
    pub(super) fn types(&self) -> BTreeSet<LookupType> {
        self.tables.iter().map(|table| table.lookup_type.clone()).collect()
    }

    /// The report for the client.
    pub(super) fn report(self) -> ImportReport {
        ImportReport {
            is_valid: self.is_valid(),
            rows: self.rows,
            types: self.types().iter().map(ToString::to_string).collect(),
            errors: self.faults,
            further_errors: self.further,
        }
    }

    fn add_faults(&mut self, faults: Vec<FileFault>) {
        for fault in faults {
            if self.faults.len() < MAX_FAULTS {
                self.faults.push(fault);
            } else {
                self.further += 1;
            }
        }
    }
}

/// The state against which rows are checked, in addition to each row's own rules.
struct RowChecker<'a> {
    scope: &'a FileScope,
    mode: ImportMode,
    units: &'a BTreeSet<Rid>,
    checked: CheckedFile,
    /// The row of each source, by a hash of its table and itself. Among half a million rows, one file in two hundred million has
    /// a collision.
    first_rows: HashMap<u64, u64>,
    hasher: RandomState,
}

/// Reads a file and collects its faults.
pub(super) fn check(file: &File, format: Format, scope: &FileScope, mode: ImportMode, units: &BTreeSet<Rid>) -> CheckedFile {
    let mut checker = RowChecker {
        scope,
        mode,
        units,
        checked: CheckedFile::default(),
        first_rows: HashMap::new(),
        hasher: RandomState::new(),
    };
    let read = file::read(file, format, scope, |row, result| {
        match result {
            Ok(draft) => checker.check_row(row, &draft),
            Err(faults) => checker.checked.add_faults(faults),
        }
        ReadControl::Continue
    });
    let mut checked = checker.checked;
    if let Err(faults) = read {
        checked.add_faults(faults);
    } else if checked.rows == 0 && checked.is_valid() {
        checked.add_faults(vec![row_fault(2, "is missing: the file has a header and no rows")]);
    }
    checked
}

impl RowChecker<'_> {
    fn check_row(&mut self, row: u64, draft: &LookupDraft) {
        let mut faults = Vec::new();
        let mut fault = |column: &str, message: String| {
            faults.push(FileFault {
                row,
                column: Some(column.to_owned()),
                message,
            });
        };
        let tenant = draft.table.tenant_id;
        if tenant.is_some_and(|rid| !self.units.contains(&rid)) {
            fault(
                "tenantId",
                "is no unit of the organisation; give the rid of one of its units, or leave it empty".to_owned(),
            );
        }
        let only = self.scope.tenant.filter(|_| self.mode == ImportMode::Replace);
        if only.is_some_and(|only| only != tenant) {
            fault(
                "tenantId",
                "is not the tenant whose rows are replaced; correct it or leave ?tenantId= out".to_owned(),
            );
        }
        let key = self.hasher.hash_one((&draft.table, &draft.source.id));
        match self.first_rows.get(&key) {
            Some(first) => fault(
                "source.id",
                format!("stands in row {first} already, for the same type and tenant; keep one of them"),
            ),
            None => drop(self.first_rows.insert(key, row)),
        }
        let is_new = !self.checked.tables.contains(&draft.table);
        if is_new && self.checked.tables.len() >= MAX_TABLES {
            fault(
                "type",
                format!("is beyond the {MAX_TABLES} types and tenants that one file may have; split the file"),
            );
        } else if is_new {
            self.checked.tables.insert(draft.table.clone());
        }
        if faults.is_empty() {
            self.checked.rows += 1;
        } else {
            self.checked.add_faults(faults);
        }
    }
}
