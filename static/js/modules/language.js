// Words for the few sentences that scripts write: pick("中文", "English").
const english = document.documentElement.lang === "en";

export const pick = (zh, en) => (english ? en : zh);
