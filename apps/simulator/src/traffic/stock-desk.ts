import { askJson, type BusLink } from '@millrace/event-bus';
import { isDomainError, type Tenant } from '@millrace/kernel';
import type { ReservationOutcome, ReservationWish } from '../shop/act.ts';

const SUBJECT = 'cmd.inventory.reserve-stock';
/** Asked again so often; an order whose stock nobody could promise is not placed. */
const ATTEMPTS = 3;

const isReserved = (answer: unknown): boolean => typeof answer === 'object' && answer !== null && 'outcome' in answer && answer.outcome === 'reserved';

/** Asks inventory to promise units. Repeating a question is harmless: a reservation is named by its id. */
export const reserveStock = async (link: BusLink, tenant: Tenant, wish: ReservationWish): Promise<ReservationOutcome> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      return isReserved(await askJson(link, SUBJECT, { tenant, ...wish })) ? 'reserved' : 'refused';
    } catch (error) {
      if (!isDomainError(error)) throw error;
      if (error.kind !== 'unavailable') return 'refused';
    }
  }
  return 'unanswered';
};
