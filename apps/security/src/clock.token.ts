/** Injects the kernel's `Clock`. */
export const CLOCK = Symbol('security.clock');
