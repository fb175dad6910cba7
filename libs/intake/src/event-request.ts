import { DomainError, type Json } from '@millrace/kernel';
import { scanJson, scanJsonBatch } from './json-scanner.ts';
import { INTAKE_LIMITS, type IntakeLimits } from './limits.ts';
import { fromStructured, parseSlice, type RawEvent } from './raw-event.ts';
import { pointerTo, reject } from './rejection.ts';
import { readBody } from './request-body.ts';

/** An HTTP request's headers (lower-case names, as Node gives them) and its body as it travelled. */
export interface EventRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
const BINARY_PREFIX = 'ce-';
/** ASCII is UTF-8 as well; "utf8" is no registered name, and many clients write it. */
const CHARSETS: readonly (string | undefined)[] = [undefined, 'utf-8', 'utf8', 'us-ascii'];

const notJson = (): DomainError => new DomainError('invalid', 'not-json', {}, 'The body is not JSON. Nothing was taken in; check it with a JSON parser.');

const unsupported = (mediaType: string): DomainError =>
  new DomainError('invalid', 'content-type-unsupported', { mediaType: mediaType.slice(0, 80) },
    `Expected content-type ${STRUCTURED}, ${BATCH}, or application/json with ce- headers (CloudEvents 1.0); charset utf-8 or none. Nothing was taken in.`);

const one = (value: string | readonly string[] | undefined): string | undefined => (typeof value === 'string' ? value : value?.join(', '));

const mediaTypeOf = (header: string | undefined): string => {
  const [type = '', ...parameters] = (header ?? '').toLowerCase().split(';').map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length).replaceAll('"', '');
  if (!CHARSETS.includes(charset)) throw unsupported(`${type}; charset=${charset}`);
  return type;
};

/** Header value to attribute (CloudEvents HTTP binding 3.1.3.2): quotes taken off, percent-decoded; undefined when that fails. */
const attributeText = (value: string): string | undefined => {
  const trimmed = value.trim();
  const bare = /^".*"$/.test(trimmed) ? trimmed.slice(1, -1).replace(/\\(.)/g, '$1') : trimmed;
  try {
    return decodeURIComponent(bare);
  } catch {
    // Not an error of ours: the attribute check names the place.
    return undefined;
  }
};

const isJsonType = (mediaType: string): boolean => mediaType === 'application/json' || mediaType.endsWith('+json');

/** The `ce-` headers as attributes, content-type as `datacontenttype`; `malformed` is the first header that can't be decoded. */
const attributesOf = (headers: EventRequest['headers']): { attributes: Record<string, Json>; malformed?: string } => {
  const attributes: Record<string, Json> = { datacontenttype: one(headers['content-type']) ?? '' };
  let malformed: string | undefined;
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(BINARY_PREFIX) || value === undefined) continue;
    const name = header.slice(BINARY_PREFIX.length);
    const text = attributeText(one(value) ?? '');
    if (text === undefined) malformed ??= name;
    else attributes[name] = text;
  }
  return { attributes, ...(malformed === undefined ? {} : { malformed }) };
};

const fromBinary = (headers: EventRequest['headers'], bytes: Buffer, limits: IntakeLimits): RawEvent => {
  const parsed = parseSlice(bytes, scanJson(bytes), limits);
  if ('broken' in parsed) throw notJson();
  const { attributes, malformed } = attributesOf(headers);
  const kept = Buffer.concat([Buffer.from(`${JSON.stringify(attributes).slice(0, -1)},"data":`), bytes, Buffer.from('}')]);
  const inData = parsed.fault && { ...parsed.fault, pointer: `/data${parsed.fault.pointer}` };
  const fault = malformed === undefined ? inData : reject(pointerTo('', malformed), 'attribute-malformed', 'The header is not percent-encoded UTF-8 (CloudEvents HTTP binding 3.1.3.2); encode it.').rejection;
  return { index: 0, bytes: kept, attributes, data: parsed.value, ...(fault ? { fault } : {}) };
};

/**
 * The events of one HTTP request in their order: CloudEvents 1.0 structured, batch or binary mode, plain or gzip. An event that breaks
 * a limit comes with its `fault`; a request that can't be read as a whole throws DomainError `invalid`: `content-type-unsupported`,
 * `content-encoding-unsupported`, `body-too-large`, `gzip-malformed`, `not-utf8`, `not-json`, `events-too-many`. Pure apart from zlib.
 */
export const readEventRequest = async (request: EventRequest, limits: IntakeLimits = INTAKE_LIMITS): Promise<RawEvent[]> => {
  const mediaType = mediaTypeOf(one(request.headers['content-type']));
  const binary = mediaType !== STRUCTURED && mediaType !== BATCH;
  const announced = 'ce-specversion' in request.headers || 'ce-type' in request.headers || 'ce-id' in request.headers;
  if (binary && !(announced && isJsonType(mediaType))) throw unsupported(mediaType);
  const bytes = await readBody(request.body, one(request.headers['content-encoding']), limits);
  if (binary) return [fromBinary(request.headers, bytes, limits)];
  const slices = mediaType === BATCH ? scanJsonBatch(bytes, limits.maxEvents) : [scanJson(bytes)];
  return slices.map((slice, index) => {
    const parsed = parseSlice(bytes, slice, limits);
    if ('broken' in parsed) throw notJson();
    return fromStructured(index, bytes.subarray(slice.start, slice.end), parsed);
  });
};
