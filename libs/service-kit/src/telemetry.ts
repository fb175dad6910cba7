export interface Telemetry {
  /** Sends what is left, for a second at most; never rejects: telemetry must neither fail a drain nor hold it up. */
  stop(): Promise<void>;
}

/** A collector that is there takes the last batch in milliseconds; one that hangs costs a drain no more than this. */
const STOP_MS = 1_000;
/** Of one export, its repetitions included: spans of a batch that a collector does not take in this time are dropped. */
const EXPORT_MS = 5_000;

/** Resolves when `work` has settled, or after `deadlineMs`. */
export const atMost = async (deadlineMs: number, work: () => Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise((resolve) => { timer = setTimeout(resolve, deadlineMs); });
  await Promise.race([work().catch(() => undefined), deadline]);
  clearTimeout(timer);
};

/**
 * Starts OpenTelemetry when an endpoint is set, and otherwise loads none of it (the SDK costs some 30 MB a process). Must run before an app's
 * modules are imported: pg is hooked at its import. Spans go in batches over OTLP/HTTP to `<endpoint>/v1/traces`, without what `SpanRedaction`
 * takes out; nothing else is sent: metrics are Prometheus', logs are on standard output.
 */
export const startTelemetry = async (service: string, endpoint: string | undefined): Promise<Telemetry> => {
  if (endpoint === undefined) return { stop: async () => undefined };
  const { register } = await import('import-in-the-middle/register-hooks.mjs');
  register({ include: ['http', 'node:http', 'https', 'node:https', 'pg', 'pg-pool'] });
  const [{ NodeSDK }, { BatchSpanProcessor }, { OTLPTraceExporter }, { HttpInstrumentation }, { PgInstrumentation }, { SpanRedaction }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/instrumentation-http'),
    import('@opentelemetry/instrumentation-pg'),
    import('./span-redaction.ts'),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis: EXPORT_MS });
  const sdk = new NodeSDK({
    serviceName: `millrace-${service}`,
    spanProcessors: [new SpanRedaction(), new BatchSpanProcessor({ exporter, exportTimeoutMillis: EXPORT_MS })],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [
      new HttpInstrumentation({ ignoreIncomingRequestHook: (request) => /^\/(live|ready|metrics)/.test(request.url ?? '') }),
      // Parameters hold event bodies: never in spans.
      new PgInstrumentation({ enhancedDatabaseReporting: false, requireParentSpan: true }),
    ],
  });
  sdk.start();
  return { stop: () => atMost(STOP_MS, () => sdk.shutdown()) };
};
