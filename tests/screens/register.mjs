// A small register as an office keeps it: one row a person, two sheets, invented people.

const COLUMNS = [
  "省", "市", "县(区)", "乡(镇)", "行政村", "自然村", "户编号", "人编号", "姓名", "性别", "证件类型",
  "证件号码", "人口数", "与户主关系", "民族", "政治面貌", "文化程度", "在校生状况", "健康状况",
  "劳动技能", "务工区域", "务工时间(月)", "是否参加城乡居民基本医疗保险", "是否享受低保", "脱贫属性",
  "致贫原因", "脱贫年度", "住房等级", "是否解决安全饮用水", "人均纯收入(元)", "联系电话", "开户银行",
  "银行卡号", "帮扶责任人", "帮扶单位", "帮扶责任人电话",
];

export const VILLAGE = "大学城新村";
export const TOWNSHIP = "北城街道";
export const OFFICER = "洪秀桂";
export const CADRE = "王彬建";
export const HEADS = ["李想杰", "张兵", "尹东"];

/** The sheets of a register with one household for each of `HEADS`. */
export function register() {
  const rows = HEADS.flatMap((head, at) => household(head, at));
  return [
    ["人口信息", [["建档立卡户花名册(虚构数据)"], ["填报单位:开发区扶贫办"], COLUMNS, ...rows]],
    ["村扶贫专干", [["乡(镇)", "行政村", "村扶贫专干", "电话"], [TOWNSHIP, VILLAGE, OFFICER, "13700000000"]]],
  ];
}

/** A register whose second row has a citizen number that cannot be one. */
export function faultyRegister() {
  const sheets = register();
  sheets[0][1][4][COLUMNS.indexOf("证件号码")] = "371599199801094208";
  return sheets;
}

function household(head, at) {
  const number = `3715008253000000${at}`;
  const people = [
    { name: head, sex: "男", relation: "02 户主", born: `19${60 + at}0418`, serial: 611 + 20 * at },
    { name: `${head[0]}淑丹`, sex: "女", relation: "10 配偶", born: `19${62 + at}0109`, serial: 420 + 20 * at },
  ];
  return people.map((person, member) => [
    "山东省", "聊城市", "聊城经济技术开发区", TOWNSHIP, VILLAGE, "", number, `${number}${10 + member}`,
    person.name, person.sex, "居民身份证", citizenNumber(person), people.length, person.relation,
    "汉族", "群众", "初中", "非在校生", "健康", "普通劳动力", "", "", "是", "否", "脱贫户(享受政策)",
    "因病", 2017, "A级", "是", 10811, "", "", "", CADRE, "区教育局", "13900000000",
  ]);
}

/** Eighteen places; the last is the check of GB 11643-1999. */
function citizenNumber({ born, serial }) {
  const body = `371599${born}${String(serial).padStart(3, "0")}`;
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((sum, weight, place) => sum + weight * Number(body[place]), 0);
  return body + "10X98765432"[sum % 11];
}
