import { DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampValue, type DuckDBConnection, type DuckDBDecimalType, type DuckDBValue } from '@duckdb/node-api';
import { logName, type Decimal, type LogKey, type StoredEvent } from '@millrace/kernel';
import { appendRows } from '../duckdb/table-definition.ts';
import type { CustomerFactRow, OrderLineRow, ProductFactRow, StarRows } from './star-row.model.ts';
import { AMOUNT, CUSTOMER_FACT, FACTOR, ORDER_LINE, PRODUCT_FACT, STAR_TABLES } from './star-tables.ts';

const DAY_MS = 86_400_000;

const timestamp = (ms: number): DuckDBTimestampValue => new DuckDBTimestampValue(BigInt(ms) * 1000n);
const date = (ms: number): DuckDBDateValue => new DuckDBDateValue(Math.floor(ms / DAY_MS));
const scaled = ({ units, scale }: Decimal, column: DuckDBDecimalType): DuckDBDecimalValue => new DuckDBDecimalValue(units * 10n ** BigInt(column.scale - scale), column.width, column.scale);
const factor = (value: Decimal): DuckDBDecimalValue => scaled(value, FACTOR);
const amount = (value: Decimal): DuckDBDecimalValue => scaled(value, AMOUNT);

type Stored = Pick<StoredEvent, 'log' | 'epoch' | 'position' | 'envelope'>;

const origin = ({ log, epoch, position, envelope }: Stored, atMs: number): DuckDBValue[] =>
  [log.tenant, logName(log), BigInt(epoch), BigInt(position), envelope.id, envelope.via, timestamp(atMs)];

const orderLine = (event: Stored, row: OrderLineRow): DuckDBValue[] => [
  ...origin(event, row.atMs), row.lineNo, row.orderId, row.billing, row.lineKind, date(row.atMs), row.country, row.productId,
  row.description, row.customerRef, factor(row.quantity), factor(row.unitPrice), amount(row.amount), row.currency, row.reason,
];

const productFact = (event: Stored, row: ProductFactRow): DuckDBValue[] =>
  [...origin(event, row.atMs), row.fact, row.productId, row.name, row.category, row.price && factor(row.price), row.currency, row.validFromMs === null ? null : timestamp(row.validFromMs)];

const customerFact = (event: Stored, row: CustomerFactRow): DuckDBValue[] => [...origin(event, row.atMs), row.fact, row.customerRef, row.country];

/** What a batch of events adds to the star of a build; written within the connection's transaction. */
export const writeStarRows = async (tx: DuckDBConnection, schema: string, facts: readonly { readonly event: Stored; readonly rows: StarRows }[]): Promise<void> => {
  await appendRows(tx, ORDER_LINE, facts.flatMap(({ event, rows }) => rows.orderLines.map((row) => orderLine(event, row))), { schema });
  await appendRows(tx, PRODUCT_FACT, facts.flatMap(({ event, rows }) => rows.productFacts.map((row) => productFact(event, row))), { schema });
  await appendRows(tx, CUSTOMER_FACT, facts.flatMap(({ event, rows }) => rows.customerFacts.map((row) => customerFact(event, row))), { schema });
};

/** Every row that came from the log, of whatever epoch. */
export const removeStarRows = async (tx: DuckDBConnection, log: LogKey): Promise<void> => {
  for (const { name } of STAR_TABLES) await tx.run(`delete from ${name} where tenant = $1 and log = $2`, [log.tenant, logName(log)]);
};
