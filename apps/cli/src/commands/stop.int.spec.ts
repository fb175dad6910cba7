import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { eventually } from '@millrace/testing';
import { identityOf } from '../home/process-identity.ts';
import { recordProcesses } from '../supervisor/leftover.ts';
import { scratchFolder, standInPlatform, type StandInPlatform } from '../testing.ts';

let folder: ReturnType<typeof scratchFolder>;
let platform: StandInPlatform;
/** `stop` sends a signal where nothing answers in time: to this very process, which stands in for the supervisor. */
const deaf = (): void => undefined;
beforeEach(async () => {
  process.on('SIGTERM', deaf);
  folder = scratchFolder();
  platform = await standInPlatform(folder.path);
});
afterEach(async () => {
  await platform.close();
  process.off('SIGTERM', deaf);
  folder.remove();
});
const letGo = (): void => rmSync(platform.home.path('run', 'lock.json'), { force: true });

describe('millrace stop', () => {
  it('asks the supervisor, and answers once it has let go of the folder', async () => {
    platform.on('supervisor', 'POST /v1/stop', { status: 202, json: { stopping: true } });
    const stopping = platform.run('stop', '--json');
    await eventually('the request', () => platform.heard.length > 0);
    expect(await Promise.race([stopping, Promise.resolve('still waiting')])).toBe('still waiting');
    letGo();
    expect((await stopping).out).toEqual(['{"outcome":"stopped"}']);
    expect(platform.heard.map(({ listener, request }) => `${listener} ${request}`)).toEqual(['supervisor POST /v1/stop']);
  });

  it('is content when nothing runs', async () => {
    letGo();
    expect(await platform.run('stop')).toMatchObject({ out: ['was not running'], failed: false });
  });

  it('ends what a supervisor that died hard has left', async () => {
    letGo();
    const orphan = spawn('sleep', ['1000'], { stdio: 'ignore' });
    recordProcesses(platform.home, [orphan.pid!]);
    expect((await platform.run('stop')).out).toEqual(['the supervisor was gone; ended 1 processes it had left behind']);
    expect(identityOf(orphan.pid!)).toBeUndefined();
  });
});
