//! The register of fields against the schema, and the keys a zone opens with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::{App, Never};
use domain::privacy::{Class, Kept, fields};
use store::{Keys, Options, SEALED, args};
use testkit::{Stage, on_both};

#[test]
fn every_column_stands_in_the_register_and_no_other() {
    let stage = Stage::sqlite();
    let columns: BTreeMap<(String, String), String> = stage
        .read::<_, Never>(|tx| {
            let sql = "SELECT t.name, c.name, c.type FROM sqlite_schema t, \
                       pragma_table_info(t.name) c WHERE t.type = 'table' \
                       AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'migration'";
            Ok(tx.all(sql, &args![], |r| Ok(((r.text(0)?, r.text(1)?), r.text(2)?)))?)
        })
        .unwrap()
        .into_iter()
        .collect();
    let named = |(table, field): &(String, String)| format!("{table}.{field}");
    let registered: BTreeSet<(String, String)> =
        fields::all().iter().map(|f| (f.table.to_owned(), f.name.to_owned())).collect();
    assert_eq!(registered.len(), fields::all().len(), "no field stands twice");
    let unregistered: Vec<_> =
        columns.keys().filter(|c| !registered.contains(*c)).map(named).collect();
    assert_eq!(unregistered, Vec::<String>::new(), "give each a line in data/privacy/fields.csv");
    let gone: Vec<_> = registered.iter().filter(|f| !columns.contains_key(*f)).map(named).collect();
    assert_eq!(gone, Vec::<String>::new(), "no such columns");

    let sealed: BTreeSet<_> = SEALED
        .iter()
        .flat_map(|c| c.fields.iter().map(|f| (c.table.to_owned(), f.0.to_owned())))
        .collect();
    for field in fields::all() {
        let column = (field.table.to_owned(), field.name.to_owned());
        assert_eq!(field.kept == Kept::Sealed, sealed.contains(&column), "{column:?}");
        if field.kept == Kept::Sealed {
            assert_eq!(columns[&column], "BLOB", "{column:?}");
        }
        if field.class == Class::Sensitive {
            assert_ne!(field.kept, Kept::Plain, "{column:?}");
        }
    }
}

fn keys_with(seal: &str) -> Arc<Keys> {
    let text = format!(
        "find {}\nfingerprint {}\n{seal};log ed25519 {}",
        "a".repeat(64),
        "b".repeat(64),
        "d".repeat(64)
    );
    Arc::new(Keys::of_text(&text).unwrap())
}

#[test]
fn a_zone_opens_with_its_own_keys_only() {
    on_both(|stage| {
        let open = |keys: Arc<Keys>| {
            let options = Options { keys, ..stage.options.clone() };
            App::open(&options).map(|_| ()).map_err(|e| e.to_string())
        };
        let (c, d) = ("c".repeat(64), "d".repeat(64));
        assert_eq!(open(testkit::keys()), Ok(()), "{}", stage.engine);
        let other = open(keys_with(&format!("seal 1 aes-256-gcm-siv {d}\nactive 1")));
        assert!(other.unwrap_err().contains("the key `seal 1` is not the one"));
        let without = open(keys_with(&format!("seal 2 aes-256-gcm-siv {d}\nactive 2")));
        assert!(without.unwrap_err().starts_with("the zone's key `seal 1` is missing"));
        let both = format!("seal 1 aes-256-gcm-siv {c}\nseal 2 aes-256-gcm-siv {d}\nactive 2");
        assert_eq!(open(keys_with(&both)), Ok(()));
        // From now on the second is the zone's too.
        assert!(open(testkit::keys()).unwrap_err().contains("`seal 2` is missing"));
        stage.write::<_, Never>(|tx| Ok(store::forget_key(tx, 1)?)).unwrap();
        let only_second = format!("seal 2 aes-256-gcm-siv {d}\nactive 2");
        assert_eq!(open(keys_with(&only_second)), Ok(()));
    });
}

#[test]
fn a_value_moved_to_another_row_does_not_open() {
    on_both(|stage| {
        let (one, two) = (stage.id(), stage.id());
        stage
            .write::<_, Never>(move |tx| {
                for (id, phone) in [(one, "13800138000"), (two, "13900139000")] {
                    let person = store::access::without_login(id, "x", Some(phone), None, 0);
                    store::access::record_person(tx, &person)?;
                }
                let swap = "UPDATE person SET phone = (SELECT phone FROM person WHERE id = $1) \
                            WHERE id = $2";
                tx.exec(swap, &args![one, two])?;
                Ok(())
            })
            .unwrap();
        let read = stage.read::<_, Never>(|tx| Ok(store::registry::everybody(tx)?));
        let said = format!("{:?}", read.unwrap_err());
        assert!(said.contains("Keys(Closed)"), "{}: {said}", stage.engine);
    });
}
