/** Busiest in the evening (UTC), quietest before dawn; the mean over a day is 1, so that `--rate` is a day's mean. */
const BUSIEST_HOUR = 19;
const SWING = 0.5;

export const dayFactor = (at: Date): number => {
  const hour = at.getUTCHours() + at.getUTCMinutes() / 60;
  return 1 + SWING * Math.cos((2 * Math.PI * (hour - BUSIEST_HOUR)) / 24);
};
