import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { dataSet } from '@millrace/testing';
import type { Json } from '@millrace/kernel';
import { readEventRequest } from './event-request.ts';

// The cloudevents/conformance feature file for the HTTP binding, run as it stands: Gherkin outlines with an example table each.

/** Text of one file of a tar archive (512-byte headers: name at 0, octal size at 124). */
const tarEntry = (archive: Buffer, name: string): string => {
  for (let at = 0; at + 512 <= archive.length;) {
    const entry = archive.toString('latin1', at, at + 100).replace(/\0.*$/s, '').replace(/^\.\//, '');
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 136), 8) || 0;
    if (entry === name) return archive.toString('utf8', at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error(`the archive has no ${name}`);
};

interface Scenario { readonly name: string; readonly request: string; readonly attributes: Record<string, string>; readonly data: Json }

const blocks = (text: string): string[] => [...text.matchAll(/"""\n([\s\S]*?)\n\s*"""/g)].map((match) => match[1]!.split('\n').map((line) => line.replace(/^ {8}/, '')).join('\n'));
const cells = (row: string): string[] => row.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());

const scenarios = (feature: string): Scenario[] => feature.split('Scenario Outline:').slice(1).flatMap((outline) => {
  const [body = '', examples = ''] = outline.split('Examples:');
  return examples.trim().split('\n').slice(1).map((row) => {
    const filled = body.replaceAll('<contentType>', cells(row)[0]!);
    const [request = '', data = ''] = blocks(filled);
    const table = filled.slice(filled.indexOf('attributes are'), filled.indexOf('And the data')).split('\n').filter((line) => line.includes('|')).slice(1);
    return { name: filled.split('\n')[0]!.trim(), request, attributes: Object.fromEntries(table.map((line) => cells(line) as [string, string])), data: JSON.parse(data) as Json };
  });
});

const requestOf = (text: string) => {
  const [head = '', ...body] = text.split('\n\n');
  const headers = Object.fromEntries(head.split('\n').slice(1).map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  return { headers, body: Buffer.from(body.join('\n\n')) };
};

const dir = dataSet('cloudevents-conformance');
const found = dir ? scenarios(tarEntry(gunzipSync(readFileSync(join(dir, 'cloudevents_conformance.tar.gz'))), 'features/http-protocol-binding.feature')) : [];

describe('the CloudEvents HTTP binding', () => {
  it('finds the four examples of the feature file when the data set is there', () => {
    expect(found).toHaveLength(dir ? 4 : 0);
  });

  it('has the attributes and data each scenario names', async () => {
    for (const { request, attributes, data } of found) {
      const [event] = await readEventRequest(requestOf(request));
      expect(event).toMatchObject({ attributes, data });
      expect(event?.fault).toBeUndefined();
    }
  });
});
