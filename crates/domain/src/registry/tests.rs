//! Small sheets in text, and what is found in them.

use super::areas::tests::tree;
use super::compare::Fate;
use super::*;
use jiff::civil::date;
use proptest::prelude::*;

const TODAY: Date = date(2026, 11, 23);
const HEADER: &str = "乡(镇)|行政村|户编号|人编号|姓名|性别|证件类型|证件号码|人口数|与户主关系|民族|劳动技能|务工时间(月)|是否享受低保|脱贫属性|致贫原因|脱贫年度|人均纯收入(元)|联系电话|银行卡号|帮扶责任人|帮扶责任人电话";
const HEAD: &str = "北城街道|大学城新村|37150001|3715000101|张三|男|居民身份证|34052419800101001X|2|02 户主|汉族|普通劳动力|6|否|脱贫户|因病|2017|10811|13800000000|6223198733402904412|王干部|13900000000";
const WIFE: &str = "北城街道|大学城新村|37150001|3715000102|李四|女|居民身份证|11010519491231002X|2|10 配偶|汉族|无劳动力||否|脱贫户|因病|2017|10811|||王干部|13900000000";

/// A cell in a line of text: `#5` is a number cell, `!x` an error, `?是` a truth, `@2019-1-1` a date.
fn cell(text: &str) -> Option<Cell<'_>> {
    let rest = text.get(1..);
    match (text.chars().next()?, rest) {
        ('#', Some(n)) => Some(Cell::Number(n.parse().ok()?)),
        ('!', Some(e)) => Some(Cell::Error(e)),
        ('?', Some(t)) => Some(Cell::Truth(t == "1")),
        ('@', Some(d)) if d.starts_with("20") => Some(Cell::Date(d)),
        _ => Some(Cell::Text(text)),
    }
}

fn feed(check: &mut Check<'_>, sheet: &str, lines: &[String]) {
    check.sheet(sheet);
    for (row, line) in (1..).zip(lines) {
        let cells: Vec<_> =
            (0..).zip(line.split('|')).filter_map(|(c, t)| Some((c, cell(t)?))).collect();
        check.row(row, &cells);
    }
}

fn read(lines: &[String]) -> Checked {
    let (headers, areas) = (Headers::shipped(), tree());
    let mut check = Check::new(&headers, &areas, TODAY);
    feed(&mut check, "人口信息", lines);
    check.finish()
}

fn codes(checked: &Checked) -> Vec<String> {
    checked.findings.iter().map(|f| format!("{} {}", f.row, f.fault.code())).collect()
}

/// The head's row (row 2) with the column of this title changed, then the wife's as it is (row 3).
fn with(title: &str, value: &str) -> Vec<String> {
    vec![HEADER.to_owned(), changed(HEAD, title, value), WIFE.to_owned()]
}

fn changed(line: &str, title: &str, value: &str) -> String {
    let place = HEADER.split('|').position(|t| t == title).unwrap();
    let mut cells: Vec<&str> = line.split('|').collect();
    cells[place] = value;
    cells.join("|")
}

#[test]
fn one_fault_one_finding() {
    let check = |title: &str, value: &str, expected: &str| {
        let found = codes(&read(&with(title, value)));
        let expected: Vec<&str> = expected.split(", ").filter(|e| !e.is_empty()).collect();
        assert_eq!(found, expected, "{title} = {value:?}");
    };
    check("姓名", "张三", "");
    check("姓名", "", "2 name_missing");
    check("姓名", "=HYPERLINK(\"http://x\")", "2 formula_text_in_name");
    check("姓名", "=1", "2 formula_text_in_name");
    check("姓名", "!#N/A", "2 cell_error_in_name");
    check("姓名", &"长".repeat(60), "");
    check("姓名", &"长".repeat(61), "2 name_too_long");
    check("户编号", "", "2 household_number_missing");
    check("户编号", "#371500825300000001", "2 household_number_as_number");
    check("户编号", "#37150001", "");
    check("户编号", "3.71501E+16", "2 household_number_as_number");
    check("人编号", "", "2 member_number_missing");
    check("人编号", "3715000102", "3 member_number_twice");
    check("性别", "男性", "");
    check("性别", "", "");
    check("性别", "女", "2 sex_differs");
    check("性别", "公", "2 unknown_sex");
    check("证件类型", "", "");
    check("证件类型", "图书证", "2 unknown_id_kind");
    check("证件号码", "34052419800101001x", "");
    check("证件号码", "34052419800101001X", "");
    check("证件号码", "", "2 citizen_number_missing");
    check("证件号码", "—", "2 citizen_number_missing");
    check("证件号码", "#340524198001010016", "2 citizen_number_as_number");
    check("证件号码", "#340524800101001", "");
    check("证件号码", "34052419800101001", "2 citizen_number_length");
    check("证件号码", "34052419800101001Y", "2 citizen_number_characters");
    check("证件号码", "340524198001010010", "2 citizen_number_check_digit");
    check("证件号码", "340524198002300012", "2 citizen_number_impossible_date");
    check("证件号码", "990105194912310023", "2 citizen_number_province");
    check("证件号码", "440524188001010014", "2 age");
    check("证件号码", "11010519491231002X", "2 sex_differs, 3 citizen_number_twice");
    check("证件号码", "=1+1", "2 formula_text_in_citizen_number");
    check("人口数", "#2", "");
    check("人口数", "2人", "");
    check("人口数", "#3", "2 size_differs");
    check("人口数", "两", "2 size_not_a_number");
    check("人口数", "#0", "2 size_out_of_range");
    check("人口数", "#2.5", "2 size_out_of_range");
    check("人口数", "#60", "2 size_differs");
    check("人口数", "#61", "2 size_out_of_range");
    check("与户主关系", "", "2 relation_missing");
    check("与户主关系", "远房表亲", "2 unknown_relation");
    check("与户主关系", "20 子", "2 household_without_head");
    check("与户主关系", "户主", "");
    check("民族", "火星族", "2 unknown_ethnic");
    check("劳动技能", "一般", "2 unknown_work_skill");
    check("务工时间(月)", "#12", "");
    check("务工时间(月)", "#13", "2 work_months_out_of_range");
    check("务工时间(月)", "#-1", "2 work_months_out_of_range");
    check("是否享受低保", "?1", "");
    check("是否享受低保", "也许", "2 dibao_not_yes_no");
    check("脱贫属性", "富裕户", "2 unknown_graduation");
    check("脱贫属性", "边缘易致贫户", "3 household_rows_disagree_on_graduation");
    check(
        "致贫原因",
        "因故",
        "2 unlisted_poverty_cause, 3 household_rows_disagree_on_poverty_cause",
    );
    check("脱贫年度", "2017年", "");
    check("脱贫年度", "#2027", "2 graduated_year_out_of_range");
    check("脱贫年度", "@2017-06-30", "2 graduated_year_not_a_number");
    check("人均纯收入(元)", "约5000", "2 income_not_a_number");
    check("人均纯收入(元)", "10,811.00元", "");
    check("人均纯收入(元)", "#10811.005", "3 household_rows_disagree_on_income");
    check("人均纯收入(元)", "#10000001", "2 income_out_of_range");
    check("联系电话", "+86 138-0000-0000", "");
    check("联系电话", "#13800000000", "");
    check("联系电话", "=cmd' /C calc'!A0", "2 formula_text_in_phone");
    check("银行卡号", "#6223198733402904412", "2 bank_account_as_number");
    check("行政村", "不存在村", "2 unknown_village");
    check("行政村", "", "2 village_missing");
    check("行政村", "团结新村", "3 household_rows_disagree_on_village");
    check("乡(镇)", "北成街道", "2 unknown_township");
    check("乡(镇)", "东城街道", "2 village_in_other_township");
    check("乡(镇)", "", "");
    check("帮扶责任人", "别人", "3 household_rows_disagree_on_cadre_name");
}

#[test]
fn exactly_one_head() {
    let two = vec![HEADER.to_owned(), HEAD.to_owned(), changed(WIFE, "与户主关系", "02 户主")];
    assert_eq!(codes(&read(&two)), ["3 household_with_two_heads"]);
    // Who is head cannot be told while a row's household is unread beside it.
    let lost =
        vec![HEADER.to_owned(), changed(HEAD, "户编号", "#371500825300000001"), WIFE.to_owned()];
    assert_eq!(codes(&read(&lost)), ["2 household_number_as_number"]);
}

#[test]
fn no_sheet_no_rows_no_column() {
    let titles = ["花名册|||", "填报单位:开发区扶贫办"].map(str::to_owned);
    assert_eq!(codes(&read(&titles)), ["1 no_people_sheet"]);
    assert_eq!(codes(&read(&[HEADER.to_owned()])), ["1 no_rows"]);
    let lacking = HEADER.replace("证件号码", "备注");
    assert_eq!(codes(&read(&[lacking, HEAD.to_owned()])), ["1 column_missing_citizen_number"]);
}

#[test]
fn sheets_in_any_order_with_titles_above() {
    let (headers, areas) = (Headers::shipped(), tree());
    let mut check = Check::new(&headers, &areas, TODAY);
    let officers = [
        "各村专干名单",
        "行政村|村扶贫专干|电话",
        "大学城新村|周荣桂|#13700000004",
        "大学城新村|周荣桂|#13700000004",
        "无此村|某某|",
        "团结新村||",
        "||",
    ];
    feed(&mut check, "专干", &officers.map(str::to_owned));
    feed(&mut check, "说明", &["随便写的".to_owned()]);
    feed(
        &mut check,
        "人",
        &["标题".to_owned(), HEADER.to_owned(), HEAD.to_owned(), WIFE.to_owned()],
    );
    let checked = check.finish();
    assert_eq!(codes(&checked), ["4 officer_twice", "5 unknown_village", "6 officer_name_missing"]);
    assert_eq!(checked.plan.officers.len(), 1);
    assert_eq!(checked.plan.officers[0].phone.as_deref(), Some("13700000004"));
    let household = &checked.plan.households[0].household;
    assert_eq!((household.size, household.able_to_work), (2, true));
    assert_eq!(household.phone.as_deref(), Some("13800000000"));
}

type Kept = Vec<(Id, Household, Vec<(Id, Member)>)>;

fn id() -> impl FnMut() -> Id {
    let mut n = 1000;
    move || {
        n += 1;
        Id::from_u128(n)
    }
}

/// Reads the lines and holds them against what an earlier reading left.
fn compare(lines: &[String], kept: &Kept) -> (Plan, Changes) {
    let mut plan = read(lines).plan;
    let mut comparison = Comparison::new(&mut plan);
    for (id, household, _) in kept {
        comparison.household(*id, household.clone());
    }
    for (id, member) in kept.iter().flat_map(|k| &k.2) {
        comparison.member(*id, member.clone());
    }
    let changes = comparison.finish(id());
    (plan, changes)
}

fn keep(plan: &Plan, changes: &Changes) -> Kept {
    let each = plan.households.iter().zip(&changes.households).zip(&changes.members);
    each.map(|((planned, fate), members)| {
        let members = planned.members.iter().zip(members);
        let members = members.map(|(m, fate)| (fate.id(), m.member.clone())).collect();
        (fate.id(), planned.household.clone(), members)
    })
    .collect()
}

#[test]
fn the_same_again_changes_nothing() {
    let lines = with("姓名", "张三");
    let (plan, first) = compare(&lines, &Kept::new());
    assert_eq!(first.household_tally().created, 1);
    assert_eq!(first.member_tally().created, 2);
    let kept = keep(&plan, &first);
    assert!(compare(&lines, &kept).1.is_nothing());

    let (_, changes) = compare(&with("联系电话", "13811112222"), &kept);
    assert!(matches!(&changes.households[0], Fate::Updated { fields, .. } if fields == &["phone"]));
    assert_eq!(changes.member_tally().unchanged, 2);
}

#[test]
fn somebody_gone_somebody_moved() {
    let lines = with("姓名", "张三");
    let (plan, first) = compare(&lines, &Kept::new());
    let kept = keep(&plan, &first);

    let alone: Vec<String> = lines[..2].to_vec();
    let (_, changes) = compare(&alone, &kept);
    assert_eq!(changes.gone.len(), 1);
    assert_eq!(changes.gone[0].name, "李四");

    // The wife under a new number is the same person.
    let renumbered = vec![HEADER.to_owned(), HEAD.to_owned(), changed(WIFE, "人编号", "99")];
    let (_, changes) = compare(&renumbered, &kept);
    assert!(changes.gone.is_empty());
    assert!(matches!(&changes.members[0][1],
        Fate::Updated { fields, id } if fields == &["member_number"] && *id == kept[0].2[1].0));

    // In another household while her own is not in the file: a clash, at her row.
    let elsewhere = vec![
        HEADER.to_owned(),
        changed(&changed(&changed(WIFE, "人编号", "99"), "户编号", "88"), "与户主关系", "户主"),
    ];
    let (_, changes) = compare(&elsewhere, &kept);
    let found: Vec<_> = changes.findings.iter().map(|f| (f.row, f.fault.code())).collect();
    assert_eq!(found, [(2, "citizen_number_in_register".into())]);
    assert_eq!(changes.households_elsewhere, 1);
}

#[test]
fn kinship_is_declared_once() {
    use kinship::*;
    let facts = |declared: Option<&str>| Facts {
        person_known: true,
        household_active: true,
        declared: declared.map(str::to_owned),
    };
    let request = |relation: &str| Request {
        household: Id::nil(),
        person: Id::nil(),
        relation: relation.to_owned(),
    };
    assert_eq!(decide(&facts(None), &request(" 叔父 ")).unwrap().relation, "叔父");
    assert_eq!(decide(&facts(None), &request(" ")), Err(KinshipRefusal::RelationMissing));
    assert!(decide(&facts(None), &request(&"亲".repeat(30))).is_ok());
    assert!(decide(&facts(None), &request(&"亲".repeat(31))).is_err());
    let again = decide(&facts(Some("叔父")), &request("舅父")).unwrap_err();
    assert_eq!(again, KinshipRefusal::AlreadyDeclared { relation: "叔父".into() });
}

proptest! {
    #[test]
    fn any_cell_may_hold_anything(title in 0usize..22, value in "\\PC{0,20}", second in 0usize..22) {
        let titles: Vec<&str> = HEADER.split('|').collect();
        let value = value.replace('|', "");
        let line = changed(&changed(HEAD, titles[title], &value), titles[second], "#1e300");
        let checked = read(&[HEADER.to_owned(), line, WIFE.to_owned()]);
        let faulty = checked.findings.iter().any(|f| f.fault.is_error());
        prop_assert!(faulty || !checked.plan.households.is_empty());
        for finding in &checked.findings {
            prop_assert!((1..=3).contains(&finding.row));
            let _ = (finding.fault.args(), finding.fault.kind());
        }
    }
}
