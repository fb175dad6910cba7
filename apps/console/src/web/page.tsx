import { useEffect, type ReactNode } from 'react';

/** What the window and the history say the page is. */
export const usePageTitle = (...parts: readonly (string | undefined)[]): void => {
  const title = `${parts.filter((part) => part !== undefined).join(' · ')} – Millrace`;
  useEffect(() => { document.title = title; }, [title]);
};

/** A wide or long table scrolls in itself, by keyboard too. `label` must not be a heading's of the same page. */
export const Scrolled = ({ label, children }: { readonly label: string; readonly children: ReactNode }) => <div className="scroll" tabIndex={0} role="region" aria-label={label}>{children}</div>;
