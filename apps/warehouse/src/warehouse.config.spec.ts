import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parseServiceManifest } from '@millrace/contracts';
import { printableConfig, readConfig } from '@millrace/service-kit';
import { parse } from 'yaml';
import { CONTEXTS } from './load/load.consumer.ts';
import { STAR_TABLES } from './star/star-tables.ts';
import { warehouseConfig } from './warehouse.config.ts';

const env = {
  MILLRACE_HTTP_PORT: '7404', MILLRACE_API_TOKENS: `operator:${'0'.repeat(64)}`, MILLRACE_EVENTS_URL: 'postgres://millrace_warehouse:secret@127.0.0.1:7411/events',
  MILLRACE_NATS_URL: 'nats://127.0.0.1:7421', MILLRACE_NATS_SEED_FILE: '/run/seed', MILLRACE_DATA_DIR: '/run/warehouse',
};

describe('the configuration', () => {
  it('needs no more than the platform gives, and bounds queries by itself', () => {
    expect(readConfig(warehouseConfig, env)).toMatchObject({ ok: true, config: { httpPort: 7404, dataDir: '/run/warehouse', queryTimeoutMs: 20_000, queryProcesses: 2 } });
  });

  it('prints no secret', () => {
    const reading = readConfig(warehouseConfig, env);
    expect(reading.ok && JSON.stringify(printableConfig(warehouseConfig, reading.config))).not.toContain('secret');
  });

  it('says everything that is wrong at once', () => {
    const reading = readConfig(warehouseConfig, { ...env, MILLRACE_DATA_DIR: '', MILLRACE_QUERY_TIMEOUT_MS: '5', MILLRACE_QUERY_PROCESSES: 'many' });
    expect(reading).toMatchObject({ ok: false, problems: [expect.stringContaining('MILLRACE_DATA_DIR'), expect.stringContaining('MILLRACE_QUERY_TIMEOUT_MS'), expect.stringContaining('MILLRACE_QUERY_PROCESSES')] });
  });
});

describe('service.yaml', () => {
  const manifest = parseServiceManifest(parse(readFileSync(new URL('../service.yaml', import.meta.url), 'utf8')));

  it('reads what is loaded and nothing else, and appends nothing', () => {
    const [asks, answers] = [['cmd.backbone.parked-event.discard', 'cmd.backbone.projection.switch'], ['query.warehouse.consumers']];
    expect(manifest).toMatchObject({ service: 'warehouse', reads: CONTEXTS, appends: [], asks, answers, relay: false, keys: false, databases: [] });
  });

  it('reads every context that feeds the star', () => {
    expect(STAR_TABLES.map((table) => table.context).filter((context) => !manifest.reads.includes(context))).toEqual([]);
  });
});
