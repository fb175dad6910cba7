import { useSyncExternalStore, type MouseEvent } from 'react';

const CHANGED = 'millrace:route';

const subscribe = (listener: () => void): (() => void) => {
  addEventListener('popstate', listener);
  addEventListener(CHANGED, listener);
  return () => { removeEventListener('popstate', listener); removeEventListener(CHANGED, listener); };
};

export interface Route {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The address is the state: every view can be linked to, reloaded and gone back from. */
export const useRoute = (): Route => {
  const href = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const url = new URL(href, location.origin);
  return { path: url.pathname, query: url.searchParams };
};

/** Goes on within a page, such as to another filter: the visitor stays where they are on it, and can go back. */
export const amend = (href: string): void => {
  history.pushState(null, '', href);
  dispatchEvent(new Event(CHANGED));
};

/** Goes to another page, seen from its top. */
export const navigate = (href: string): void => {
  amend(href);
  scrollTo(0, 0);
};

/** Keeps links as links (new tab, copy, keyboard) and only takes over the plain click. */
export const followed = (event: MouseEvent<HTMLAnchorElement>): void => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  navigate(event.currentTarget.pathname + event.currentTarget.search);
};
