/** The time a label such as `2011`-`01`, `2011-01-04` or `2011-01-04T10` stands for: from inclusive, to exclusive, UTC. */
export const periodOf = (label: string): { from: string; to: string } => {
  const [, year = '', month = '', day, hour] = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}))?)?/.exec(label) ?? [];
  const [y, m, d, h] = [Number(year), Number(month) - 1, Number(day ?? 1), Number(hour ?? 0)];
  const from = Date.UTC(y, m, d, h);
  const next = hour !== undefined ? Date.UTC(y, m, d, h + 1) : day !== undefined ? Date.UTC(y, m, d + 1) : Date.UTC(y, m + 1);
  return { from: new Date(from).toISOString(), to: new Date(next).toISOString() };
};
