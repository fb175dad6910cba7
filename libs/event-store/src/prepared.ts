/** What can be done for an append before and away from the database: in a thread beside the one that holds its connections. */
export { packUnits, unpackUnits, type PackedUnits } from './packed-units.ts';
export { prepareUnits, type PreparedUnit } from './prepared-unit.ts';
