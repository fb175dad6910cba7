export interface Telemetry {
  /** Sends what is left; never rejects, telemetry must not fail a drain. */
  stop(): Promise<void>;
}

/**
 * Starts OpenTelemetry when an endpoint is set, and otherwise loads none of it (the SDK costs some 30 MB a process). Must run before an app's
 * modules are imported: pg is hooked at its import. Spans go in batches over OTLP/HTTP to `<endpoint>/v1/traces`.
 */
export const startTelemetry = async (service: string, endpoint: string | undefined): Promise<Telemetry> => {
  if (endpoint === undefined) return { stop: async () => undefined };
  const { register } = await import('import-in-the-middle/register-hooks.mjs');
  register({ include: ['http', 'node:http', 'https', 'node:https', 'pg', 'pg-pool'] });
  const [{ NodeSDK }, { BatchSpanProcessor }, { OTLPTraceExporter }, { HttpInstrumentation }, { PgInstrumentation }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/instrumentation-http'),
    import('@opentelemetry/instrumentation-pg'),
  ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const sdk = new NodeSDK({
    serviceName: `millrace-${service}`,
    spanProcessors: [new BatchSpanProcessor({ exporter })],
    instrumentations: [
      new HttpInstrumentation({ ignoreIncomingRequestHook: (request) => /^\/(live|ready|metrics)/.test(request.url ?? '') }),
      // Parameters hold event bodies: never in spans.
      new PgInstrumentation({ enhancedDatabaseReporting: false, requireParentSpan: true }),
    ],
  });
  sdk.start();
  return { stop: () => sdk.shutdown().catch(() => undefined) };
};
