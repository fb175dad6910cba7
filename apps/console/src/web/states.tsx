import type { ReactNode } from 'react';
import type { Problem } from './problem.ts';
import type { Query } from './query-hook.ts';

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

/** The page shows its last good answer while a later one fails: how old it is. */
export const NotRefreshed = ({ query: { data, problem, readAt } }: { readonly query: Query<unknown> }) =>
  data !== undefined && problem !== undefined && readAt !== undefined && (
    <p className="quiet" role="status">Numbers of {readAt.toISOString().slice(11, 16)} UTC, not refreshed: {problem.message}</p>
  );

/** Before there is an answer: that it is on its way, or what went wrong. Nothing once there is one. */
export const Awaited = ({ query: { data, problem, reload }, what }: { readonly query: Query<unknown>; readonly what: string }) => {
  if (data !== undefined) return false;
  return problem ? <Failed problem={problem} onRetry={reload} /> : <Loading what={what} />;
};
