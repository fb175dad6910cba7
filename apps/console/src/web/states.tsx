import type { ReactNode } from 'react';
import type { Problem } from './problem.ts';

/** Something failed: what, and what to do. */
export const Failed = ({ problem, onRetry }: { readonly problem: Problem; readonly onRetry?: () => void }) => (
  <div className="notice failed" role="alert">
    <p><strong>{problem.message}</strong></p>
    <p className="quiet">Code {problem.code}</p>
    {onRetry && <button type="button" onClick={onRetry}>Try again</button>}
  </div>
);

/** Nothing is there yet: why, and what to do. */
export const Empty = ({ title, children }: { readonly title: string; readonly children: ReactNode }) => (
  <div className="notice">
    <p><strong>{title}</strong></p>
    {children}
  </div>
);

export const Loading = ({ what }: { readonly what: string }) => <p className="quiet" role="status">Reading {what}…</p>;
