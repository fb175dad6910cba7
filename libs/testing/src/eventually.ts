/** Asks until `probe` gives something other than undefined or false; throws after `deadlineMs` with what it waited for. */
export const eventually = async <T>(what: string, probe: () => Promise<T | undefined | false> | T | undefined | false, deadlineMs = 30_000): Promise<T> => {
  const end = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited ${deadlineMs} ms for ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
