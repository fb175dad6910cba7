export { ask, askJson, respond, respondError } from './ask.ts';
export { BusLink, type BusLinkChange, type BusLinkOptions } from './link.ts';
export { eventSubject, logSubjectFilter, streamNameOf } from './subject.ts';
export { currentTraceparent, injectTrace, inSpan, type SpanOptions } from './tracing.ts';
