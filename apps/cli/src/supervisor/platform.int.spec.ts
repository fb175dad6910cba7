import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@millrace/testing';
import { openHome, type Home } from '../home/home.ts';
import { scratchFolder } from '../testing.ts';
import { launchService } from './service-process.ts';
import type { Part } from './part.ts';
import { Platform } from './platform.ts';

let folder: ReturnType<typeof scratchFolder>;
let home: Home;
let said: string[];
let events: string[];
beforeEach(() => {
  folder = scratchFolder();
  home = openHome(`${folder.path}/home`);
  [said, events] = [[], []];
});
afterEach(() => folder.remove());

const platformOf = (): Platform => new Platform(home, 'http://127.0.0.1:1', (part, message) => { said.push(`${part}: ${message}`); });

/** A real process that sleeps, or runs what it is told; its starts and stops are noted. */
const sleeper = (name: string, options: { script?: string; healthy?: () => boolean } = {}): Part => ({
  name, url: null,
  launch: async () => {
    const running = await launchService({ name, command: '/bin/sh', args: ['-c', options.script ?? 'exec sleep 1000'], env: { PATH: '/usr/bin:/bin' }, cwd: folder.path, logFile: home.path('logs', `${name}.log`) });
    events.push(`start ${name}`);
    return { ...running, stop: async () => { await running.stop(); events.push(`stop ${name}`); } };
  },
  healthy: async () => options.healthy?.() ?? true,
});

describe('a platform', () => {
  it('drains in the reverse order of its start, one part after the other', async () => {
    const platform = platformOf();
    await platform.bringUp([sleeper('postgres')]);
    await platform.bringUp([sleeper('ingestion')]);
    await platform.bringUp([sleeper('simulator')]);
    await platform.stop();
    expect(events).toEqual(['start postgres', 'start ingestion', 'start simulator', 'stop simulator', 'stop ingestion', 'stop postgres']);
  });

  it('waits until what it started is healthy', async () => {
    const platform = platformOf();
    let asked = 0;
    await platform.bringUp([sleeper('slow', { healthy: () => { asked += 1; return asked > 3; } })]);
    expect(asked).toBe(4);
    await platform.stop();
  });

  it('is ready only when its start is complete and all parts are healthy', async () => {
    const platform = platformOf();
    let healthy = true;
    await platform.bringUp([sleeper('one', { healthy: () => healthy })]);
    expect((await platform.status()).ready).toBe(false);
    platform.markComplete();
    expect(await platform.status()).toMatchObject({ ready: true, services: [{ name: 'one', healthy: true, restarts: 0 }, { name: 'supervisor', healthy: true, pid: process.pid }] });
    healthy = false;
    expect((await platform.status()).ready).toBe(false);
    await platform.stop();
  });

  it('counts memory of a part with its children, and none of it twice', async () => {
    const platform = platformOf();
    await platform.bringUp([sleeper('family', { script: 'sleep 1000 & sleep 1000 & wait' }), sleeper('single')]);
    const { services } = await eventually('the children', async () => {
      const status = await platform.status();
      const [family, single] = status.services;
      return family!.pssBytes > single!.pssBytes && status;
    });
    expect(services.every((service) => service.pssBytes > 0)).toBe(true);
    await platform.stop();
  });

  it('gives up on a part that keeps ending before it was healthy, with its last words', async () => {
    const platform = platformOf();
    const broken = sleeper('broken', { script: 'echo "no such database"; exit 1', healthy: () => false });
    await expect(platform.bringUp([broken])).rejects.toThrow(new RegExp(`^broken ended 6 times; it last said: no such database \\(see ${home.path('logs', 'broken.log')}\\)$`));
    await platform.stop();
    expect(said.filter((line) => line.startsWith('broken: ended (exit code 1)'))).not.toEqual([]);
  });

  it('starts nothing more once it was told to stop', async () => {
    const platform = platformOf();
    platform.requestStop();
    await expect(platform.bringUp([sleeper('late')])).rejects.toMatchObject({ code: 'stopped-while-starting' });
    expect(events).toEqual([]);
  });

  it('stops waiting for health when it is told to stop', async () => {
    const platform = platformOf();
    const coming = platform.bringUp([sleeper('never', { healthy: () => { platform.requestStop(); return false; } })]);
    await expect(coming).rejects.toMatchObject({ code: 'stopped-while-starting' });
    await platform.stop();
    expect(events).toEqual(['start never', 'stop never']);
  });

  it('notes its processes while they run, and forgets them when it stops', async () => {
    const platform = platformOf();
    await platform.bringUp([sleeper('one'), sleeper('two')]);
    const record = home.path('run', 'processes.json');
    expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual([expect.objectContaining({ pid: expect.any(Number) }), expect.objectContaining({ startedTicks: expect.stringMatching(/^\d+$/) })]);
    await platform.stop();
    expect(existsSync(record)).toBe(false);
  });

  it('goes on where its processes can\'t be noted, and says so once', async () => {
    const platform = platformOf();
    mkdirSync(`${home.path('run', 'processes.json')}.${process.pid}.tmp`);
    await platform.bringUp([sleeper('brief', { script: 'sleep 0.2; exit 3' }), sleeper('steady')]);
    await eventually('a restart', () => said.some((line) => line.startsWith('brief: started again')));
    expect(said.filter((line) => line.startsWith('supervisor: could not note the running processes'))).toHaveLength(1);
    await platform.stop();
    expect(events.at(-1)).toBe('stop brief');
  });

  it('says which part it had to kill', async () => {
    const platform = platformOf();
    await platform.bringUp([sleeper('stubborn', { script: 'trap "" TERM; echo deaf; while :; do sleep 0.1; done' })]);
    await eventually('its deafness', () => readFileSync(home.path('logs', 'stubborn.log'), 'utf8') === 'deaf\n');
    await platform.stop();
    expect(said).toEqual([expect.stringMatching(/^stubborn: did not drain in time and was killed/)]);
  });

  it('passes on why a launch failed, and still drains the others', async () => {
    const platform = platformOf();
    const refused: Part = { name: 'refused', url: null, launch: async () => { throw new Error('permission denied'); }, healthy: async () => false };
    await expect(platform.bringUp([sleeper('fine'), refused])).rejects.toThrow('permission denied');
    await platform.stop();
    expect(events).toEqual(['start fine', 'stop fine']);
  });

  it('says nothing about a log it doesn\'t have', async () => {
    const platform = platformOf();
    writeFileSync(home.path('logs', 'mute.log'), '');
    await expect(platform.bringUp([sleeper('mute', { script: 'exit 2', healthy: () => false })])).rejects.toThrow(/^mute ended 6 times \(see /);
    await platform.stop();
  });
});
