//! A village's papers, with invented people. What a register knows and no paper may say has no
//! place in these types.

use std::sync::Arc;

use app::reports::papers::*;
use domain::calendar::{DayKind, Month};
use domain::posting::{
    Body, Category, Contact, Header, MaskedName, PostedOutcome, PostedRow, Posting, PublicText,
    Serial,
};
use domain::redemption::Code;
use domain::scheme::{
    Adoption, Band, BonusEvent, Category as SchemeCategory, Item, Mode, Period, Scheme, Words,
};
use domain::{Date, Id};

pub const URL: &str = "https://siji.example/p/01";

pub fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

pub fn month() -> Month {
    Month::parse("2026-10").expect("a month")
}

fn public(text: &str) -> PublicText {
    PublicText::new(text).expect("public")
}

fn words(zh: &str) -> Words {
    Words { zh: zh.to_owned(), en: String::new() }
}

pub fn poster(rows: u32) -> Poster {
    let category = |code: &str, name: &str, points_max| Category {
        code: public(code),
        name: public(name),
        points_max,
    };
    let row = |n: u32| PostedRow {
        serial: Serial::new(n).expect("a serial"),
        name: MaskedName::of(["张三", "欧阳四海", "李镕基", "𠮷田"][n as usize % 4]),
        village: public("张庄村"),
        hamlet: Some(public(["东组", "西组"][n as usize % 2])),
        sums: vec![Some(18), (!n.is_multiple_of(5)).then_some(20), Some(12), Some(9), Some(15)],
        total: 74,
        outcome: if n.is_multiple_of(7) {
            PostedOutcome::NotAssessed
        } else {
            PostedOutcome::Assessed
        },
    };
    let body = Body {
        header: Header {
            zone: public("东昌经济开发区"),
            village: public("张庄村"),
            month: month(),
            scheme: public("KFQ-DEFAULT-1"),
            scheme_version: 1,
            place: public("村委会公示栏"),
            from: day("2026-10-24"),
            to: day("2026-10-29"),
            days: 5,
            day_kind: DayKind::Calendar,
            contact: Contact::new("张庄村委会 0635-8511234").expect("a contact"),
            corrects: None,
            categories: vec![
                category("A", "扶贫政策比知晓", 20),
                category("B", "讲究卫生比清洁", 25),
                category("C", "勤劳致富比收入", 25),
                category("D", "邻里互助比和谐", 15),
                category("E", "遵纪守法比诚信", 15),
            ],
        },
        rows: (1..=rows).map(row).collect(),
    };
    let hung = (Id::nil(), 1_792_800_000_000);
    let posting = Posting::new(Id::nil(), Id::nil(), None, &body, hung, (41, [7; 32]));
    Poster { posting, body, checkpoint: Some("2026-10-24 a1b2 c3d4".to_owned()) }
}

pub fn faces(count: u64) -> Vec<CardFace> {
    let face = |n: u64| CardFace {
        name: ["于玉兰", "李镕喆", "欧阳四海", "𠮷田玥"][n as usize % 4].to_owned(),
        village: "张庄村".to_owned(),
        code: Code::new(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
    };
    (1..=count).map(face).collect()
}

pub fn receipt() -> Receipt {
    let line = |name: &str, measure: &str, quantity, points_each| ReceiptLine {
        name: name.to_owned(),
        measure: measure.to_owned(),
        quantity,
        points_each,
    };
    Receipt {
        zone: "东昌经济开发区".into(),
        number: "20261026-00018".into(),
        on_date: day("2026-10-26"),
        household: "3715-0001".into(),
        name: "于玉兰".into(),
        village: "张庄村".into(),
        place: "爱心流动超市一号车".into(),
        spot: "文化广场".into(),
        keeper: "吴小军".into(),
        code: Some(Code::new(42)),
        proxy: Some(("谢超".into(), "女儿".into())),
        lines: vec![line("毛巾", "条", 2, 60), line("大豆油", "桶", 1, 600)],
        points: 720,
        balance_after: 89,
        undoes: None,
        undone_by: None,
    }
}

pub fn statement() -> Statement {
    let line =
        |on: &str, effect, balance, why| StatementLine { on_date: day(on), effect, balance, why };
    Statement {
        zone: "东昌经济开发区".into(),
        household: "3715-0001".into(),
        name: "于玉兰".into(),
        village: "张庄村".into(),
        opening: 0,
        balance: 180,
        lines: vec![
            line(
                "2026-10-30",
                90,
                90,
                Why::Month {
                    month: "2026-10".into(),
                    scheme: "月评比积分办法".into(),
                    version: 1,
                    total: Some(90),
                    visits: vec![day("2026-10-03"), day("2026-10-05")],
                    posted: vec![(day("2026-10-24"), day("2026-10-29"))],
                },
            ),
            line(
                "2026-11-02",
                200,
                290,
                Why::Bonus {
                    event: "见义勇为".into(), document: "区表字〔2026〕3号".into()
                },
            ),
            line(
                "2026-11-05",
                -110,
                180,
                Why::Receipt {
                    number: "20261105-00001".into(),
                    place: "一号车".into(),
                    reason: None,
                },
            ),
        ],
    }
}

pub fn scheme() -> Scheme {
    let category = |code: &str, name: &str, max| SchemeCategory {
        code: code.to_owned(),
        name: words(name),
        max,
    };
    let item = |code: &str, category: &str, name: &str, max, bands: &[(i64, &str)]| Item {
        code: code.to_owned(),
        category: category.to_owned(),
        name: words(name),
        max,
        mode: Mode::Banded,
        bands: bands.iter().map(|(score, zh)| Band { score: *score, words: words(zh) }).collect(),
        evidence: String::new(),
        note: String::new(),
        na: Vec::new(),
    };
    Scheme {
        code: "KFQ-1".into(),
        version: 1,
        title: words("月评比积分办法"),
        monthly_max: 100,
        points_per_yuan: 10,
        annual_cap: 1200,
        categories: vec![category("A", "扶贫政策比知晓", 60), category("B", "讲究卫生比清洁", 40)],
        items: vec![
            item("A1", "A", "知晓本户政策", 60, &[(60, "说得出三项"), (20, "说得出一项")]),
            item("B1", "B", "院落整洁", 40, &[(40, "没有杂物"), (0, "脏乱")]),
        ],
        substitute: None,
        min_assessed: 1,
        publicity: Period { days: 5, kind: DayKind::Calendar },
        objection: Period { days: 3, kind: DayKind::Working },
        bonus_events: vec![BonusEvent {
            code: "brave".into(),
            name: words("见义勇为"),
            points: 200,
        }],
        forbidden_terms: Vec::new(),
        forbidden_effects: Vec::new(),
    }
}

pub fn leaflet() -> Leaflet {
    let good = |name: &str, points| Offered {
        name: name.to_owned(),
        measure: "条".into(),
        points,
        left: 30,
        limit_month: 4,
    };
    Leaflet {
        zone: "东昌经济开发区".into(),
        scheme: Arc::new(scheme()),
        adoption: Some(Adoption {
            from_month: month(),
            resolved_on: day("2026-08-31"),
            number: "会议纪要〔2026〕1号".into(),
            text: "村民代表会议讨论通过".into(),
        }),
        goods: vec![good("毛巾", 60), good("香皂", 40), good("洗洁精", 80)],
    }
}

pub fn review() -> Review {
    let line = |name: &str, sums, total, outcome: Option<&str>, note: &str| ReviewLine {
        number: "3715-0001".into(),
        name: name.to_owned(),
        sums,
        total,
        outcome: outcome.map(str::to_owned),
        note: note.to_owned(),
    };
    Review {
        zone: "东昌经济开发区".into(),
        township: "蒋官屯街道".into(),
        village: "张庄村".into(),
        month: month(),
        scheme: Arc::new(scheme()),
        lines: vec![
            line("于玉兰", vec![Some(50), Some(40)], Some(90), Some("assessed"), "按实到次数计"),
            line("李镕喆", vec![None, None], Some(0), Some("not_assessed"), ""),
            line("欧阳四海", vec![None, None], None, None, ""),
        ],
    }
}

pub fn notice() -> Notice {
    Notice {
        zone: "东昌经济开发区管理委员会".into(),
        village: "张庄村".into(),
        township: "蒋官屯街道".into(),
        month: month(),
        scheme: "月评比积分办法".into(),
        households: 38,
        assessed: 37,
        points: 2946,
        certified_on: day("2026-10-30"),
        posted: vec![
            (day("2026-10-24"), day("2026-10-29")),
            (day("2026-10-25"), day("2026-10-30")),
        ],
        objections: 1,
        seal: vec![0xab; 32],
    }
}

pub fn market_list() -> MarketList {
    let line = |number: &str, name: &str, balance| ListLine {
        number: number.to_owned(),
        name: name.to_owned(),
        balance,
    };
    MarketList {
        zone: "东昌经济开发区".into(),
        village: "张庄村".into(),
        place: "一号车".into(),
        spot: "文化广场".into(),
        on_date: day("2026-11-05"),
        goods: leaflet().goods,
        households: vec![line("3715-0001", "于玉兰", 180), line("3715-0002", "李镕喆", 0)],
    }
}

pub fn donated() -> Donated {
    Donated {
        zone: "东昌经济开发区".into(),
        donor: "东昌粮油有限公司".into(),
        place: "爱心仓库".into(),
        received_on: day("2026-10-02"),
        money_fen: 7_000_050,
        lines: vec![GivenLine {
            name: "大米".into(),
            measure: "袋".into(),
            quantity: 25,
            handed_out: 13,
        }],
    }
}

pub fn stock_count() -> StockCount {
    let line = |sku: &str, name: &str, expires: Option<&str>, left| CountLine {
        sku: sku.to_owned(),
        name: name.to_owned(),
        measure: "袋".into(),
        expires_on: expires.map(day),
        donor: "东昌粮油有限公司".into(),
        left,
    };
    StockCount {
        zone: "东昌经济开发区".into(),
        place: "爱心仓库".into(),
        lines: vec![line("G017", "大米", Some("2027-02-12"), 12), line("G001", "毛巾", None, 24)],
    }
}

pub fn bulletin() -> Bulletin {
    let coverage =
        |name: &str, households, sheets| Coverage { name: name.to_owned(), households, sheets };
    let flow =
        |month: &str, credited, redeemed| Flow { month: month.to_owned(), credited, redeemed };
    Bulletin {
        zone: "东昌经济开发区".into(),
        month: month(),
        households: 400,
        coverage: vec![coverage("北城街道", 184, 366), coverage("东城街道", 216, 216)],
        flows: vec![flow("2026-09", 33_495, 11_820), flow("2026-10", 33_779, 22_780)],
        bought: vec![("大米".into(), "袋".into(), 21, 5_880)],
        given: vec![
            Given {
                donor: Some("东昌粮油有限公司".into()), money_fen: 7_000_000, pieces: 750
            },
            Given { donor: None, money_fen: 0, pieces: 20 },
        ],
        objections_filed: 9,
        objections_answered: 8,
        certified: 32,
        villages: 33,
        market_days: vec![(day("2026-10-25"), "张庄村".into(), "文化广场".into())],
        honours: vec![Honour {
            name: MaskedName::of("于玉兰"),
            village: public("张庄村"),
            what: public("照料邻居老人三年"),
        }],
    }
}
