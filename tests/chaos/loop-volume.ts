import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, rename, rm, rmdir, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hold } from './processes.ts';

const run = promisify(execFile);

/** What drills on volumes need and this machine lacks; empty when they can run. */
export const missingForVolumes = (): string[] => [
  ...(process.platform === 'linux' ? [] : ['Linux (loop mounts)']),
  ...(process.getuid?.() === 0 ? [] : ['root (to mount a volume and to cut its power)']),
  ...[['mkfs.ext4', 'e2fsprogs'], ['xfs_io', 'xfsprogs']].flatMap(([tool, of]) => (['/usr/sbin', '/sbin', '/usr/bin', '/usr/local/sbin'].some((folder) => existsSync(join(folder, tool!))) ? [] : [`${tool} (Debian: apt-get install ${of})`])),
  ...(existsSync('/dev/loop-control') ? [] : ['loop devices (/dev/loop-control)']),
];

/**
 * A folder on an ext4 of its own, in a file: its power can be cut, and it can be full. A cut (the file system's own emergency shutdown)
 * drops whatever was not synced, as a machine does whose plug is pulled; what was synced stays.
 */
export class LoopVolume {
  private readonly filler: string;

  private constructor(private readonly image: string, readonly folder: string) {
    this.filler = join(folder, '.full');
  }

  /** Moves what lies in `folder` to a new volume that is mounted in its place. Nobody may work in it meanwhile. */
  static async under(folder: string, image: string, megabytes: number): Promise<LoopVolume> {
    const { uid, gid, mode } = await stat(folder);
    const before = `${folder}.before`;
    await rename(folder, before);
    await mkdir(folder);
    await writeFile(image, '');
    await truncate(image, megabytes * 1024 * 1024);
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
    await run('mount', ['-o', 'loop', image, folder]);
    await rmdir(join(folder, 'lost+found'));
    await cp(before, folder, { recursive: true, preserveTimestamps: true });
    if (uid !== 0) await run('chown', ['-R', `${uid}:${gid}`, folder]);
    await chown(folder, uid, gid);
    await chmod(folder, mode & 0o7777);
    await run('sync', ['-f', folder]);
    await rm(before, { recursive: true });
    return new LoopVolume(image, folder);
  }

  /** From here on nothing reaches the disk. Whoever works on it must be killed before `powerOn`. */
  async cutPower(): Promise<void> {
    await run('xfs_io', ['-x', '-c', 'shutdown', this.folder]);
  }

  /** The volume as it is found after the cut: mounted anew, its journal replayed. */
  async powerOn(): Promise<void> {
    await this.unmount();
    await run('mount', ['-o', 'loop', this.image, this.folder]);
  }

  /** Takes all free space but `leftBytes`. */
  async fill(leftBytes = 0): Promise<void> {
    await writeFile(this.filler, '');
    const { bavail, bsize } = await statfs(this.folder);
    await run('fallocate', ['-l', String(Math.max(bsize, bavail * bsize - leftBytes)), this.filler]).catch(async () => {
      await run('sh', ['-c', `cat /dev/zero > "$0" 2>/dev/null; true`, this.filler]);
    });
  }

  async free(): Promise<void> {
    await rm(this.filler, { force: true });
  }

  async remove(): Promise<void> {
    await this.unmount();
    await rm(this.image, { force: true });
  }

  private async unmount(): Promise<void> {
    const last = { error: undefined as unknown };
    const tried = async (): Promise<boolean> => run('umount', [this.folder]).then(() => true, (error: unknown) => { last.error = error; return false; });
    for (let tries = 0; tries < 100; tries += 1) {
      if (await tried()) return;
      await hold('another try', (() => { const at = performance.now() + 100; return () => performance.now() > at; })());
    }
    throw new Error(`${this.folder} can't be unmounted`, { cause: last.error });
  }
}
