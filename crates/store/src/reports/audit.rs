//! Reading the log: for the auditor, and for a household that asks who has seen it.

use domain::access::Scope;
use domain::audit::Kind;
use domain::{Id, Millis};

use crate::{Broken, Result, Row, Tx, Val, Within, args};

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// A name or a login, whole.
    pub person: String,
    /// A household's number in the register.
    pub household: String,
    pub kind: Option<Kind>,
    pub verb: String,
    pub from: Option<Millis>,
    /// The first moment that is out.
    pub until: Option<Millis>,
    /// At or below this area.
    pub area: Option<String>,
}

/// Which lines the reader may see at all.
#[derive(Clone, Debug)]
pub struct LogReader {
    pub scope: Scope,
    /// Also those that are about a household.
    pub households: bool,
}

/// A line of the log, with the names of what it is about.
#[derive(Clone, Debug)]
pub struct LogLine {
    pub seq: i64,
    pub at: Millis,
    pub person: Option<String>,
    pub kind: Kind,
    pub verb: String,
    pub household: Option<(Id, String)>,
    pub area: Option<String>,
    pub code: String,
    pub rows: Option<i64>,
    pub note: Option<String>,
    pub subject: Option<Id>,
}

const LINE: &str = "a.seq, a.at, p.name, a.kind, a.verb, a.household, h.number, r.name, a.code, \
                    a.rows, a.note, a.subject";
const NAMED: &str = "FROM audit_log a LEFT JOIN person p ON p.id = a.person \
                     LEFT JOIN household h ON h.id = a.household LEFT JOIN area r ON r.path = a.path";

fn line(r: &Row) -> Result<LogLine> {
    let kind = r.text(3)?;
    let kind = Kind::from_code(&kind)
        .ok_or_else(|| Broken::data(format!("a line of the log of the kind {kind}")))?;
    let number = r.opt_text(6)?.unwrap_or_default();
    Ok(LogLine {
        seq: r.int(0)?,
        at: r.int(1)?,
        person: r.opt_text(2)?,
        kind,
        verb: r.text(4)?,
        household: r.opt_id(5)?.map(|id| (id, number)),
        area: r.opt_text(7)?,
        code: r.text(8)?,
        rows: r.opt_int(9)?,
        note: r.opt_text(10)?,
        subject: r.opt_id(11)?,
    })
}

/// `WHERE …` over `audit_log a`, with its values from $1 on.
fn wanted(filter: &LogFilter, reader: &LogReader) -> (String, Vec<Val>) {
    let mut terms: Vec<String> = Vec::new();
    let mut args: Vec<Val> = Vec::new();
    // Lines that lie in no area are for those who see all of them.
    if !reader.scope.paths.iter().any(|path| !path.contains('.')) {
        let scope = Scope { assigned: false, ..reader.scope.clone() };
        let within = Within::of(&scope, "a.path", None, 1);
        terms.push(within.sql);
        args = within.args;
    }
    if !reader.households {
        terms.push("a.household IS NULL".into());
    }
    let mut with = |values: &[Val], term: &dyn Fn(usize) -> String| {
        terms.push(term(args.len() + 1));
        args.extend_from_slice(values);
    };
    if !filter.person.is_empty() {
        with(&[(&filter.person).into()], &|n| {
            format!("a.person IN (SELECT id FROM person WHERE name = ${n} OR login = ${n})")
        });
    }
    if !filter.household.is_empty() {
        with(&[(&filter.household).into()], &|n| {
            format!("a.household IN (SELECT id FROM household WHERE number = ${n})")
        });
    }
    if let Some(kind) = filter.kind {
        // A word of our own, so that the planner sees which index holds it.
        with(&[], &|_| format!("a.kind = '{}'", kind.code()));
    }
    if !filter.verb.is_empty() {
        with(&[(&filter.verb).into()], &|n| format!("a.verb = ${n}"));
    }
    if let Some(from) = filter.from {
        with(&[from.into()], &|n| format!("a.at >= ${n}"));
    }
    if let Some(until) = filter.until {
        with(&[until.into()], &|n| format!("a.at < ${n}"));
    }
    if let Some(area) = &filter.area {
        let ends = [Val::from(area), Val::from(format!("{area}/"))];
        with(&ends, &|n| format!("a.path >= ${n} AND a.path < ${}", n + 1));
    }
    match terms.len() {
        0 => ("WHERE 1 = 1".into(), args),
        _ => (format!("WHERE {}", terms.join(" AND ")), args),
    }
}

/// How many lines there are, and those before the line `before`, newest first.
pub fn log(
    tx: &mut Tx,
    filter: &LogFilter,
    reader: &LogReader,
    before: Option<i64>,
    limit: i64,
) -> Result<(Vec<LogLine>, i64)> {
    let (wanted, mut args) = wanted(filter, reader);
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM audit_log a {wanted}");
    let total = tx.one(&sql, &args, |r| r.int(0))?;
    let n = args.len();
    args.extend([before.unwrap_or(i64::MAX).into(), limit.into()]);
    let sql = format!(
        "SELECT {LINE} {NAMED} {wanted} AND a.seq < ${} ORDER BY a.seq DESC LIMIT ${}",
        n + 1,
        n + 2
    );
    Ok((tx.all(&sql, &args, line)?, total))
}

/// Every line, newest first, one after another.
pub fn each_log_line(
    tx: &mut Tx,
    filter: &LogFilter,
    reader: &LogReader,
    mut see: impl FnMut(LogLine) -> Result<()>,
) -> Result<()> {
    let (wanted, args) = wanted(filter, reader);
    let sql = format!("SELECT {LINE} {NAMED} {wanted} ORDER BY a.seq DESC");
    tx.each(&sql, &args, |r| see(line(r)?))
}

/// Commands on all households of a village, or of the register, at once.
const ON_ALL: &str = "('import_register', 'agree_where_equal', 'post', 'certify')";

/// What a file of these lists holds is not of households.
const NOT_OF_HOUSEHOLDS: &str = "('goods', 'expiring', 'donations', 'market-days', 'imports', \
                                 'batches', 'people', 'audit')";

/// Who has seen or changed a household, newest first: what was done on it or on its whole village,
/// its reveals and prints, and the files that held it or may have. Refusals showed nothing.
pub fn seen(tx: &mut Tx, household: Id, path: &str, limit: i64) -> Result<Vec<LogLine>> {
    let steps = path.match_indices('.').map(|(at, _)| &path[..at]).chain([path]);
    let mut args = args![household, limit].to_vec();
    args.extend(steps.map(Val::from));
    let above: Vec<String> = (3..=args.len()).map(|n| format!("${n}")).collect();
    let above = format!("(a.path IS NULL OR a.path IN ({}))", above.join(", "));
    let sql = format!(
        "SELECT {LINE} {NAMED} WHERE a.seq IN (\
         SELECT a.seq FROM audit_log a WHERE a.household = $1 AND a.kind <> 'refusal' \
         UNION SELECT a.seq FROM audit_log a WHERE a.kind = 'export' AND {above} \
          AND a.verb NOT IN {NOT_OF_HOUSEHOLDS} \
         UNION SELECT a.seq FROM audit_log a WHERE a.verb IN {ON_ALL} AND {above}) \
         ORDER BY a.seq DESC LIMIT $2"
    );
    tx.all(&sql, &args, line)
}
