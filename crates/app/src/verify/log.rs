//! The log: every line as it was written, linked to all before it, up to every head that was
//! published.

use domain::audit::chain::{Fault, Head, Walk};
use store::Tx;

use super::{Check, Finding, First, Report};

pub(super) fn check(tx: &mut Tx, published: &[Head], report: &mut Report) -> Check {
    let mut walk = Walk::default();
    let mut first = First::default();
    store::verify::log_seals(tx, |(seal, links)| {
        if let Err(fault) = walk.seal(seal, links) {
            first.note(|| named(fault));
        }
        Ok(())
    })?;
    first.end()?;

    let (mut count, mut first) = (0, First::default());
    store::verify::log_lines(tx, |line| {
        count += 1;
        if let Err(fault) = walk.line(line.seq, line.kept, line.made, line.waits) {
            first.note(|| named(fault));
        }
        Ok(())
    })?;
    report.counts.push(("audit_log", count));
    // The first by its number: one that is gone, or one that does not fit.
    let gone = walk.end().err();
    match (first.0, gone) {
        (Some(found), Some(Fault::LineMissing { seq })) => {
            let earlier = found.id.parse::<i64>().is_ok_and(|own| own < seq);
            Err(if earlier { found } else { named(Fault::LineMissing { seq }) })?
        }
        (Some(found), _) => Err(found)?,
        (None, Some(fault)) => Err(named(fault))?,
        (None, None) => {}
    }

    for (posting, number, head) in store::posting::log_heads(tx)? {
        if walk.number_of(&head) != Some(number) {
            let what = "was hung with a head of the log that the log does not have any more";
            return Err(Finding::new("posting", posting, what).into());
        }
    }
    for head in published {
        if walk.number_of(head).is_none() {
            let what =
                "the published head is not in the log: lines before it were changed or taken away";
            let id = domain::posting::body::hex(head);
            return Err(Finding::new("audit_seal", id, what).into());
        }
    }
    match store::verify::without_line(tx)? {
        Some((table, id)) => Err(Finding::new(table, id, "stands in no line of the log").into()),
        None => Ok(()),
    }
}

fn named(fault: Fault) -> Finding {
    let line = |seq, what| Finding::new("audit_log", seq, what);
    let seal = |number, what| Finding::new("audit_seal", number, what);
    match fault {
        Fault::SealMissing { number } => seal(number, "is missing from the chain"),
        Fault::SealChanged { number } => seal(number, "is not what its head was made of"),
        Fault::SealedTwice { seq } => line(seq, "stands under two seals"),
        Fault::LineChanged { seq } => line(seq, "is not what was sealed"),
        Fault::LineUnknown { seq } => line(seq, "stands under no seal"),
        Fault::LineMissing { seq } => line(seq, "was taken out of the log"),
    }
}
