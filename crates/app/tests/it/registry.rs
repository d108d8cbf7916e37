//! The register: areas, imports, the list, kinship.

use app::registry::import::{Apply, By, apply};
use app::registry::report::{ChangesReport, Counted};
use app::registry::{DeclareKinship, ImportRefusal, Report, areas, declare_kinship};
use app::{Failure, Never, Who};
use domain::Id;
use domain::access::Role;
use domain::registry::{Areas, Cell, Check, Headers};
use store::registry::{Filter, Order};
use testkit::{Stage, on_both};

const UNITS: &str = "code12,name,kind,township,township_code9\n\
    371502008253,大学城新村,village_committee,北城街道,371502008\n\
    371502008254,团结新村,village_committee,北城街道,371502008\n\
    371502009001,李太屯社区居民委员会,neighbourhood_committee,东城街道,371502009\n";

fn import_areas(stage: &Stage, csv: &str) -> areas::AreasChanged {
    let units = areas::read(csv).unwrap();
    let request = areas::ImportAreas {
        key: stage.id(),
        zone: "东昌经济开发区".to_owned(),
        units,
        person: None,
        at: stage.now(),
    };
    stage.write(move |tx| areas::import(tx, &request)).unwrap()
}

const HEADER: &str = "行政村|户编号|人编号|姓名|证件号码|与户主关系|劳动技能|联系电话|帮扶责任人|帮扶单位|帮扶责任人电话";
const PEOPLE: &str = "\
大学城新村|H1|H101|张三|34052419800101001X|户主|普通劳动力|13800000000|王干部|区教育局|139
大学城新村|H1|H102|李四|11010519491231002X|配偶|无劳动力|||||
团结新村|H2|H201|赵六|513101198201130014|户主|丧失劳动力||王干部|区教育局|139
李太屯社区居民委员会|H3|H301|孙七|370101190102039973|户主|普通劳动力||陈干部|物流园区|137";
const OFFICERS: &str = "行政村|村扶贫专干|电话\n大学城新村|周专干|1371\n团结新村|吴专干|1372";

/// An import of these two sheets, as the command line does it; with what it came to.
pub fn import(
    stage: &Stage,
    people: &str,
    officers: &str,
) -> Result<Report, Failure<ImportRefusal>> {
    import_with(stage, people, officers, stage.id())
}

fn import_with(
    stage: &Stage,
    people: &str,
    officers: &str,
    key: Id,
) -> Result<Report, Failure<ImportRefusal>> {
    let areas = stage.read::<_, Never>(|tx| Ok(store::registry::areas(tx)?)).unwrap();
    let (headers, areas) = (Headers::shipped(), Areas::new(areas));
    let mut check = Check::new(&headers, &areas, domain::local_date(stage.now()));
    let own_header = people.starts_with("行政村|户编号");
    let people = if own_header { people.to_owned() } else { format!("{HEADER}\n{people}") };
    for (sheet, lines) in [("人", people), ("专干", officers.to_owned())] {
        check.sheet(sheet);
        for (row, line) in (1..).zip(lines.lines()) {
            let cells: Vec<_> =
                (0..).zip(line.split('|')).map(|(c, t)| (c, Cell::Text(t))).collect();
            check.row(row, &cells);
        }
    }
    let checked = check.finish();
    let report = Report::of(&checked);
    let mut plan = checked.plan;
    let by = By { person: None, now: stage.now() };
    stage.write(move |tx| {
        let a = Apply { key, file_digest: [7; 32], plan: &mut plan, report: report.clone() };
        apply(tx, by, a)
    })
}

fn register(stage: &Stage) -> ChangesReport {
    import_areas(stage, UNITS);
    import(stage, PEOPLE, OFFICERS).unwrap().changes
}

fn counted(created: usize, updated: usize, unchanged: usize) -> Counted {
    Counted { created, updated, unchanged }
}

#[test]
fn areas_come_once_and_are_renamed() {
    on_both(|stage| {
        let first = import_areas(stage, UNITS);
        assert_eq!((first.created, first.renamed), (6, 0), "{}", stage.engine);
        assert_eq!(import_areas(stage, UNITS), areas::AreasChanged::default());
        let renamed = UNITS.replace("团结新村", "团结村")
            + "371502008255,和谐新村,village_committee,北城街道,371502008\n";
        let then = import_areas(stage, &renamed);
        assert_eq!((then.created, then.renamed), (1, 1));
        let names: Vec<_> = stage
            .read::<_, Never>(|tx| Ok(store::registry::areas(tx)?))
            .unwrap()
            .into_iter()
            .map(|a| format!("{} {}", a.path, a.name))
            .collect();
        assert_eq!(
            names,
            [
                "001 东昌经济开发区",
                "001.001 北城街道",
                "001.001.001 大学城新村",
                "001.001.002 团结村",
                "001.001.003 和谐新村",
                "001.002 东城街道",
                "001.002.001 李太屯社区居民委员会",
            ]
        );
    });
}

#[test]
fn a_list_of_areas_that_cannot_be_read() {
    assert_eq!(areas::read(""), Err(areas::AreasRefusal::Header));
    assert_eq!(areas::read("a,b\n"), Err(areas::AreasRefusal::Header));
    let short = UNITS.replace("371502008254", "37150200825");
    assert_eq!(areas::read(&short), Err(areas::AreasRefusal::Line { line: 3 }));
}

#[test]
fn the_same_file_twice_changes_nothing() {
    on_both(|stage| {
        let first = register(stage);
        assert_eq!(first.households, counted(3, 0, 0), "{}", stage.engine);
        assert_eq!(first.persons, counted(4, 0, 0));
        assert_eq!(
            (first.people_added, first.officers_appointed, first.assignments_made),
            (4, 2, 3)
        );
        stage.at("2026-11-03T09:00");
        let again = import(stage, PEOPLE, OFFICERS).unwrap().changes;
        assert!(again.is_nothing(), "{again:?}");
        assert_eq!(again.households, counted(0, 0, 3));
        assert_eq!(again.persons, counted(0, 0, 4));
    });
}

#[test]
fn a_changed_file_changes_what_changed() {
    on_both(|stage| {
        register(stage);
        stage.at("2026-11-03T09:00");
        let people = PEOPLE
            .replace("13800000000", "13811111111")
            .replace("H201|赵六", "H201|赵陆")
            .replace("陈干部|物流园区|137", "王干部|区教育局|139");
        let officers = OFFICERS.replace("吴专干|1372", "郑专干|1373");
        let changes = import(stage, &people, &officers).unwrap().changes;
        let details: Vec<_> = changes
            .details
            .iter()
            .map(|d| format!("{} {} {}", d.what, d.number, d.fields.join("+")))
            .collect();
        assert_eq!(details, ["household H1 phone", "household H2 head", "person H201 name"]);
        assert_eq!((changes.assignments_made, changes.assignments_ended), (1, 1));
        assert_eq!((changes.officers_appointed, changes.officers_ended), (1, 1));
        let found = list(stage, &zone(stage), "赵陆", None);
        assert_eq!(found, ["H2 赵陆 团结新村 王干部"], "{}", stage.engine);
    });
}

#[test]
fn whoever_left_the_file_is_struck_off_only_with_their_household_in_it() {
    on_both(|stage| {
        register(stage);
        let without_wife: Vec<&str> = PEOPLE.lines().filter(|l| !l.contains("李四")).collect();
        let only_first = without_wife[0];
        let report = import(stage, only_first, OFFICERS).unwrap();
        assert_eq!(report.changes.persons_gone, 1, "{}", stage.engine);
        assert_eq!(report.changes.households_elsewhere, 2);
        assert_eq!(list(stage, &zone(stage), "", None).len(), 3);
        let again = import(stage, only_first, OFFICERS).unwrap();
        assert!(again.changes.is_nothing(), "{:?}", again.changes);
        // Back in the file, back in the register.
        let back = import(stage, PEOPLE, OFFICERS).unwrap();
        assert_eq!(back.changes.persons, counted(0, 1, 3));
    });
}

#[test]
fn numbers_may_change_places() {
    on_both(|stage| {
        register(stage);
        let swapped = PEOPLE
            .replace("34052419800101001X", "#")
            .replace("11010519491231002X", "34052419800101001X")
            .replace('#', "11010519491231002X");
        let changes = import(stage, &swapped, OFFICERS).unwrap().changes;
        assert_eq!(changes.persons, counted(0, 2, 2), "{}", stage.engine);
        assert!(import(stage, &swapped, OFFICERS).unwrap().changes.is_nothing());
    });
}

#[test]
fn one_wrong_row_and_nothing_is_applied() {
    on_both(|stage| {
        import_areas(stage, UNITS);
        let wrong = PEOPLE.replace("团结新村", "团接新村");
        let refused = import(stage, &wrong, OFFICERS).unwrap_err();
        assert!(
            matches!(refused, Failure::Refused(ImportRefusal::HasErrors { errors: 1 })),
            "{refused:?}"
        );
        assert_eq!(list(stage, &zone(stage), "", None), Vec::<String>::new());

        import(stage, PEOPLE, OFFICERS).unwrap();
        let elsewhere = "团结新村|H9|H901|李四|11010519491231002X|户主|无劳动力|||||";
        let refused = import(stage, elsewhere, OFFICERS).unwrap_err();
        assert!(matches!(refused, Failure::Refused(ImportRefusal::HasErrors { errors: 1 })));
    });
}

#[test]
fn the_same_key_twice_is_once() {
    on_both(|stage| {
        import_areas(stage, UNITS);
        let key = stage.id();
        import_with(stage, PEOPLE, OFFICERS, key).unwrap();
        let again = import_with(stage, PEOPLE, OFFICERS, key).unwrap();
        assert!(again.changes.is_nothing());
        assert_eq!(list(stage, &zone(stage), "", None).len(), 3);
    });
}

fn zone(stage: &Stage) -> Who {
    stage.person("区办", Role::ZoneOfficer, Some("001"))
}

fn list(stage: &Stage, who: &Who, search: &str, area: Option<&str>) -> Vec<String> {
    let who = stage.now_as(who);
    let filter = Filter { search: search.into(), area: area.map(str::to_owned), inactive: false };
    let (rows, total) = stage
        .read_in(who.reach(), move |tx| {
            app::registry::list(tx, &who, &filter, Order::Number, 0, 50)
        })
        .unwrap();
    assert_eq!(rows.len() as i64, total);
    rows.iter()
        .map(|r| {
            let cadre = r.cadre.as_deref().unwrap_or("-");
            format!("{} {} {} {cadre}", r.number, r.head_name, r.village)
        })
        .collect()
}

#[test]
fn the_list_shows_what_ones_posts_cover() {
    on_both(|stage| {
        register(stage);
        let zone = zone(stage);
        assert_eq!(
            list(stage, &zone, "", None),
            [
                "H1 张三 大学城新村 王干部",
                "H2 赵六 团结新村 王干部",
                "H3 孙七 李太屯社区居民委员会 陈干部"
            ],
            "{}",
            stage.engine
        );
        assert_eq!(list(stage, &zone, "李四", None).len(), 1);
        assert_eq!(list(stage, &zone, "h2 团结", None).len(), 1);
        assert_eq!(list(stage, &zone, "%", None).len(), 0);
        assert_eq!(list(stage, &zone, "_", None).len(), 0);
        assert_eq!(list(stage, &zone, "", Some("001.002")).len(), 1);
        let village = stage.person("村委", Role::VillageCommittee, Some("001.001.001"));
        assert_eq!(list(stage, &village, "", None).len(), 1);
        assert_eq!(list(stage, &village, "", Some("001.002")).len(), 0);
        assert_eq!(list(stage, &village, "孙七", None).len(), 0);

        let cadre = stage
            .read::<_, Never>(|tx| {
                let all = store::registry::everybody(tx)?;
                let wang = all.into_iter().find(|p| p.name == "王干部").unwrap().id;
                app::access::as_person(tx, wang, 1_900_000_000_000)
            })
            .unwrap();
        let cadre = Who { now: stage.now(), ..cadre };
        assert_eq!(list(stage, &cadre, "", None).len(), 2);
    });
}

fn household_id(stage: &Stage, number: &'static str) -> Id {
    let row =
        stage.read::<_, Never>(move |tx| Ok(store::registry::find_by_number(tx, number)?)).unwrap();
    row.unwrap().id
}

#[test]
fn one_household_with_its_numbers_masked() {
    on_both(|stage| {
        register(stage);
        let id = household_id(stage, "H1");
        let zone = zone(stage);
        let card =
            stage.read_in(zone.reach(), move |tx| app::registry::household(tx, &zone, id)).unwrap();
        assert_eq!(card.village, "大学城新村");
        assert_eq!(card.household.phone.as_deref(), Some("*******0000"));
        let numbers: Vec<_> =
            card.members.iter().map(|(_, m)| m.citizen_number.clone().unwrap()).collect();
        assert_eq!(numbers, ["340*************1X", "110*************2X"]);
        assert_eq!(card.cadre.unwrap().name, "王干部");
        assert_eq!(card.officers[0].name, "周专干");

        let elsewhere = stage.person("东城", Role::TownshipReviewer, Some("001.002"));
        let answer = stage
            .read_in(elsewhere.reach(), move |tx| app::registry::household(tx, &elsewhere, id));
        assert!(matches!(answer, Err(Failure::NotFound)), "{}", stage.engine);
    });
}

#[test]
fn the_register_keeps_true_fingerprints() {
    on_both(|stage| {
        register(stage);
        let wrong = stage
            .read::<_, Never>(|tx| {
                let (mut wrong, keys) = (0, tx.keys());
                store::registry::each_household(tx, |row| {
                    wrong +=
                        usize::from(keys.fingerprint(&row.household.digest(row.id)) != row.digest);
                    Ok(())
                })?;
                store::registry::each_member(tx, |id, member, digest| {
                    wrong += usize::from(keys.fingerprint(&member.digest(id)) != digest);
                    Ok(())
                })?;
                Ok(wrong)
            })
            .unwrap();
        assert_eq!(wrong, 0, "{}", stage.engine);
    });
}

#[test]
fn kinship_is_declared_in_ones_own_village() {
    on_both(|stage| {
        register(stage);
        let household = household_id(stage, "H1");
        let village = stage.person("村委", Role::VillageCommittee, Some("001.001.001"));
        let other = stage.person("邻村", Role::VillageCommittee, Some("001.001.002"));
        let declare = |who: &Who, key: Id, relation: &str| {
            let (who, person) = (who.clone(), village.person);
            let r = DeclareKinship { key, household, person, relation: relation.to_owned() };
            stage.write(move |tx| declare_kinship(tx, &who, &r))
        };
        let key = stage.id();
        assert!(matches!(declare(&other, stage.id(), "叔父"), Err(Failure::NotFound)));
        assert_eq!(declare(&village, key, "叔父").unwrap(), key);
        assert_eq!(declare(&village, key, "叔父").unwrap(), key);
        assert!(matches!(declare(&village, key, "舅父"), Err(Failure::KeyReused)));
        assert!(matches!(declare(&village, stage.id(), "舅父"), Err(Failure::Refused(_))));
        let who = village.clone();
        let page = stage
            .read(move |tx| app::registry::kinship::kinship_page(tx, &who, household))
            .unwrap();
        assert_eq!(page.kin.len(), 1, "{}", stage.engine);
        let mut people: Vec<_> = page.people.iter().map(|p| p.1.as_str()).collect();
        people.sort_unstable();
        assert_eq!(people, ["周专干", "村委", "王干部"]);
    });
}
