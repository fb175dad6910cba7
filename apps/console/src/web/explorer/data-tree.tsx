import { shapeOf } from './event-view.ts';

/** Lists longer than this start folded: an order of a thousand lines must not bury the rest. */
const OPEN_UP_TO = 20;

/** An event's data; sealed fields are shown as sealed, with the subject reference that security reveals by unless it is `subject`, which stands elsewhere. */
export const DataTree = ({ value, subject }: { readonly value: unknown; readonly subject?: string }) => {
  const shape = shapeOf(value);
  if (shape.kind === 'leaf') return <span className="leaf">{shape.text}</span>;
  if (shape.kind === 'sealed') {
    const { purpose, epoch, subject: own } = shape.sealed;
    return <span className="sealed" data-testid="sealed">sealed <span className="quiet">{purpose}, key epoch {epoch}{own !== subject && `, ${own}`}</span></span>;
  }
  const list = <dl className="tree">{shape.entries.map(([name, child]) => <div key={name}><dt>{name}</dt><dd><DataTree value={child} subject={subject} /></dd></div>)}</dl>;
  if (shape.entries.length <= OPEN_UP_TO) return list;
  return <details><summary>{shape.entries.length} {shape.isList ? 'items' : 'fields'}</summary>{list}</details>;
};
