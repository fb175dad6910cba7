import type { MessagePort } from 'node:worker_threads';
import { DomainError, isDomainError, type ErrorDetails, type ErrorKind } from '@millrace/kernel';

/** What work came to, in a form that crosses between threads: an error's class and fields would not. */
export type Settled<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refused: { readonly kind: ErrorKind; readonly code: string; readonly details: ErrorDetails; readonly message: string } }
  | { readonly ok: false; readonly failed: unknown };

export const settle = async <T>(work: () => Promise<T>): Promise<Settled<T>> => {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (!isDomainError(error)) return { ok: false, failed: error };
    const { kind, code, details, message } = error;
    return { ok: false, refused: { kind, code, details, message } };
  }
};

/** The value, or the error thrown again. */
export const unsettle = <T>(settled: Settled<T>): T => {
  if (settled.ok) return settled.value;
  if ('refused' in settled) throw new DomainError(settled.refused.kind, settled.refused.code, settled.refused.details, settled.refused.message);
  throw settled.failed;
};

/** Functions that one thread offers another. Arguments and results are copied by the structured clone algorithm. */
export type Calls<C> = { readonly [Name in keyof C]: (...args: never[]) => Promise<unknown> };

interface Asked { readonly id: number; readonly name: string; readonly args: readonly never[] }
interface Answered { readonly id: number; readonly settled: Settled<unknown> }

/** Answers what comes over `port`, for as long as that is open. What can't be copied is answered as failed: the asker must not wait for ever. */
export const answerCalls = <C extends Calls<C>>(port: MessagePort, calls: C): void => {
  const answer = (answered: Answered): void => {
    try {
      port.postMessage(answered);
    } catch (error) {
      port.postMessage({ id: answered.id, settled: { ok: false, failed: new Error(`the answer can't cross to another thread: ${String(error)}`) } } satisfies Answered);
    }
  };
  port.on('message', ({ id, name, args }: Asked) => { void settle(() => calls[name as keyof C](...args)).then((settled) => { answer({ id, settled }); }); });
};

/** Calls the functions `answerCalls` offers at the other end of `port`, several at a time. */
export class Caller<C extends Calls<C>> {
  private asked = 0;
  private readonly open = new Map<number, (settled: Settled<unknown>) => void>();

  constructor(private readonly port: MessagePort) {
    port.on('message', ({ id, settled }: Answered) => {
      this.open.get(id)?.(settled);
      this.open.delete(id);
    });
  }

  async call<Name extends keyof C & string>(name: Name, ...args: Parameters<C[Name]>): Promise<Awaited<ReturnType<C[Name]>>> {
    const id = this.asked;
    this.asked += 1;
    const settled = await new Promise<Settled<unknown>>((resolve) => {
      this.open.set(id, resolve);
      this.port.postMessage({ id, name, args });
    });
    return unsettle(settled) as Awaited<ReturnType<C[Name]>>;
  }
}
