/** The query of a request's address as pairs: names may repeat (`where=…&where=…`), order is kept. */
export const queryOf = (url: string): [string, string][] => [...new URL(url, 'http://console.invalid').searchParams];
