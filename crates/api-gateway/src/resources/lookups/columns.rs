//! The columns of a file, and the row that they make up.

use std::borrow::Cow;

use ig_core::fault::Faults;
use ig_core::id::{LookupType, OrgId, Rid};
use ig_core::lookup::{LookupDraft, LookupSide, LookupTable, parse_lookup_type};
use serde_json::{Map, Value};

use super::cell;
use crate::document::{FileFault, parse_tenant};

/// The most columns in a file.
pub(super) const MAX_COLUMNS: usize = 200;
/// The columns of an empty template file.
pub(super) const TEMPLATE_HEADERS: [&str; 7] = [
    "type",
    "tenantId",
    "source.id",
    "source.name",
    "target.id",
    "target.name",
    "isActive",
];

/// The content of one column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Type,
    Tenant,
    SourceId,
    Source(String),
    TargetId,
    Target(String),
    Active,
}

/// The columns of a file, in the order of its header.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

/// The defaults and scope of every row in a file.
#[derive(Debug, Clone)]
pub(super) struct FileScope {
    /// The organisation of the rows.
    pub(super) org: OrgId,
    /// The type of rows without a type.
    pub(super) lookup_type: Option<LookupType>,
    /// The unit of rows without a unit; a replacing import replaces only this tenant's rows.
    pub(super) tenant: Option<Option<Rid>>,
}

impl Column {
    fn read(header: &str) -> Option<Self> {
        let header = header.trim();
        let field = |prefix: &str| header.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix));
        match header.to_ascii_lowercase().as_str() {
            "type" => Some(Self::Type),
            "tenantid" => Some(Self::Tenant),
            "source.id" => Some(Self::SourceId),
            "target.id" => Some(Self::TargetId),
            "isactive" => Some(Self::Active),
            _ if field("source.").is_some() && header.len() > 7 => Some(Self::Source(header[7..].to_owned())),
            _ if field("target.").is_some() && header.len() > 7 => Some(Self::Target(header[7..].to_owned())),
            _ => None,
        }
    }

    /// The column's header.
    pub(super) fn header(&self) -> Cow<'static, str> {
        match self {
            Self::Type => "type".into(),
            Self::Tenant => "tenantId".into(),
            Self::SourceId => "source.id".into(),
            Self::Source(name) => format!("source.{name}").into(),
            Self::TargetId => "target.id".into(),
            Self::Target(name) => format!("target.{name}").into(),
            Self::Active => "isActive".into(),
        }
    }
}

impl Columns {
    /// Parses a header, or returns all of its faults.
    pub(super) fn read(cells: &[String], scope: &FileScope) -> Result<Self, Vec<FileFault>> {
        let mut faults = Vec::new();
        let mut columns: Vec<Column> = Vec::new();
        let used = cells
            .iter()
            .rposition(|cell| !cell.trim().is_empty())
            .map_or(0, |last| last + 1);
        for (at, cell) in cells[..used].iter().enumerate() {
            match Column::read(cell) {
                Some(column) if columns.contains(&column) => {
                    faults.push(header_fault(at, cell, "stands twice; keep one of them"));
                }
                Some(column) => columns.push(column),
                None => faults.push(header_fault(
                    at,
                    cell,
                    "is no known column; use type, tenantId, source.id, source.<field>, target.id, target.<field> and isActive",
                )),
            }
        }
        for needed in [Column::SourceId, Column::TargetId] {
            if !columns.contains(&needed) {
                faults.push(missing_column(&needed.header(), "is missing; add it to the header"));
            }
        }
        if !columns.contains(&Column::Type) && scope.lookup_type.is_none() {
            faults.push(missing_column(
                "type",
                "is missing; add it to the header or name the type as ?type=",
            ));
        }
        if faults.is_empty() { Ok(Self(columns)) } else { Err(faults) }
    }

    /// Parses a row, or returns all of its faults.
    pub(super) fn draft(&self, row: u64, cells: &[String], scope: &FileScope) -> Result<LookupDraft, Vec<FileFault>> {
        let mut faults = Vec::new();
        if cells.iter().skip(self.0.len()).any(|cell| !cell.trim().is_empty()) {
            faults.push(FileFault {
                row,
                column: None,
                message: "has more cells than the header; put quotes around values with separators in them".to_owned(),
            });
        }
        let mut values = RowValues::default();
        for (column, cell) in self.0.iter().zip(cells) {
            if cell.trim().is_empty() {
                continue;
            }
            if let Err(message) = values.set(column, cell, scope) {
                faults.push(FileFault {
                    row,
                    column: Some(column.header().into_owned()),
                    message,
                });
            }
        }
        let draft = values.draft(scope, |column, message| {
            faults.push(FileFault { row, column, message });
        });
        draft.filter(|_| faults.is_empty()).ok_or(faults)
    }
}

/// The cells of a row, by meaning.
#[derive(Default)]
struct RowValues {
    lookup_type: Option<LookupType>,
    is_type_wrong: bool,
    tenant: Option<Option<Rid>>,
    source: (String, Map<String, Value>),
    target: (String, Map<String, Value>),
    is_active: Option<bool>,
}

impl RowValues {
    fn set(&mut self, column: &Column, cell: &str, scope: &FileScope) -> Result<(), String> {
        match column {
            Column::Type => {
                self.is_type_wrong = true;
                self.lookup_type =
                    Some(parse_lookup_type(cell::decode_text(cell.trim())).map_err(|faults| joined_messages(&faults))?);
                self.is_type_wrong = false;
            }
            Column::Tenant => self.tenant = Some(parse_tenant_cell(cell, scope)?),
            Column::SourceId => cell::decode_text(cell.trim()).clone_into(&mut self.source.0),
            Column::TargetId => cell::decode_text(cell.trim()).clone_into(&mut self.target.0),
            Column::Source(name) => drop(self.source.1.insert(name.clone(), cell::decode(cell)?)),
            Column::Target(name) => drop(self.target.1.insert(name.clone(), cell::decode(cell)?)),
            Column::Active => self.is_active = Some(parse_active_cell(cell)?),
        }
        Ok(())
    }

    fn draft(self, scope: &FileScope, mut fault: impl FnMut(Option<String>, String)) -> Option<LookupDraft> {
        let named = self.lookup_type.or_else(|| scope.lookup_type.clone());
        if named.is_none() && !self.is_type_wrong {
            fault(Some("type".to_owned()), "is empty; give a type such as DEPARTMENT".to_owned());
        }
        let mut side = |name: &str, (id, fields): (String, Map<String, Value>)| {
            let checked = LookupSide::checked(&id, fields);
            if let Err(faults) = &checked {
                for found in faults.list() {
                    let field = found.pointer.replacen('/', ".", 1);
                    fault(Some(format!("{name}{field}")), found.message.clone());
                }
            }
            checked.ok()
        };
        let source = side("source", self.source);
        let target = side("target", self.target);
        Some(LookupDraft {
            table: LookupTable {
                lookup_type: named?,
                tenant_id: self.tenant.or(scope.tenant).flatten(),
            },
            source: source?,
            target: target?,
            is_active: self.is_active.unwrap_or(true),
        })
    }
}

fn parse_tenant_cell(cell: &str, scope: &FileScope) -> Result<Option<Rid>, String> {
    let number = cell
        .trim()
        .parse()
        .map_err(|_| "must be the rid of a unit, a whole number".to_owned())?;
    let tenant = parse_tenant(scope.org, number).map_err(|faults| joined_messages(&faults))?;
    Ok(tenant)
}

fn parse_active_cell(cell: &str) -> Result<bool, String> {
    match cell.trim().trim_start_matches("json:").to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

fn joined_messages(faults: &Faults) -> String {
    let messages: Vec<_> = faults.list().iter().map(|fault| fault.message.as_str()).collect();
    messages.join("; ")
}

fn header_fault(at: usize, cell: &str, message: &str) -> FileFault {
    let shown: String = cell.chars().filter(|letter| !letter.is_control()).take(50).collect();
    FileFault {
        row: 1,
        column: Some(if shown.trim().is_empty() {
            format!("column {}", at + 1)
        } else {
            shown
        }),
        message: message.to_owned(),
    }
}

fn missing_column(column: &str, message: &str) -> FileFault {
    FileFault {
        row: 1,
        column: Some(column.to_owned()),
        message: message.to_owned(),
    }
}
