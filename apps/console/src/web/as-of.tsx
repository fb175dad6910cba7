import { grouped } from './format.ts';

/** How far each log had been read. */
export const AsOfVector = ({ asOf }: { readonly asOf: Readonly<Record<string, number>> }) => (
  <span className="quiet">As of {Object.entries(asOf).map(([log, position]) => `${log} at ${grouped(String(position))}`).join(', ') || 'an empty log'}</span>
);
