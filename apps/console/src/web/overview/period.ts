const partsOf = (label: string): (string | undefined)[] => (/^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}))?)?/.exec(label) ?? []).slice(1);

/** The time a label such as `2011`-`01`, `2011-01-04` or `2011-01-04T10` stands for: from inclusive, to exclusive, UTC. */
export const periodOf = (label: string): { from: string; to: string } => {
  const [year = '', month = '', day, hour] = partsOf(label);
  const [y, m, d, h] = [Number(year), Number(month) - 1, Number(day ?? 1), Number(hour ?? 0)];
  const from = Date.UTC(y, m, d, h);
  const next = hour !== undefined ? Date.UTC(y, m, d, h + 1) : day !== undefined ? Date.UTC(y, m, d + 1) : Date.UTC(y, m + 1);
  return { from: new Date(from).toISOString(), to: new Date(next).toISOString() };
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A label as people write it: `Jan 2011`, `4 Jan 2011`, and for an hour `4 Jan, 10:00`. */
export const writtenPeriod = (label: string): string => {
  const [year, month, day, hour] = partsOf(label);
  if (year === undefined) return label;
  const name = MONTHS[Number(month) - 1] ?? month;
  return day === undefined ? `${name} ${year}` : hour === undefined ? `${Number(day)} ${name} ${year}` : `${Number(day)} ${name}, ${hour}:00`;
};

/** `2026-11-30` */
export const isoDay = (date: Date): string => date.toISOString().slice(0, 10);

export const nextDay = (day: string): string => periodOf(day).to.slice(0, 10);
