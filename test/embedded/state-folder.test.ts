import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOwner, startTimeOf } from '../../shared/embedded/owner-lock.ts';
import { openStateFolder } from '../../shared/embedded/state-folder.ts';
import { isFault, killed, StateFolders } from './state-folders.ts';

describe('a state folder', () => {
  let folders: StateFolders;
  beforeEach(() => { folders = new StateFolders(); });
  afterEach(() => folders.close());

  describe('is opened', () => {
    it('and made, with its parents; left clean when closed', async () => {
      const folder = folders.own(join(folders.path, 'deep', 'er'));
      assert.equal(readOwner(folder.path)?.pid, process.pid);
      assert.equal(folder.databasePath, join(folders.path, 'deep', 'er', 'state.sqlite'));
      folder.openDatabase().close();
      await folder.close();
      assert.deepEqual(readdirSync(folder.path).sort(), ['owner.lock', 'state.sqlite', 'version']);
      folders.own(folder.path);
    });
    it('not when the path is a file, or lies in one', () => {
      writeFileSync(folders.path, '');
      assert.throws(() => folders.own(), isFault('not_a_folder', /state' is, or lies in, a file.*--state/, 2));
      assert.throws(() => folders.own(join(folders.path, 'below')), isFault('not_a_folder', /lies in, a file/, 2));
    });
    it('not when it can not be made', function () {
      if (!existsSync('/proc/self')) this.skip();
      assert.throws(() => folders.own('/proc/no-such-folder'), isFault('not_creatable', /can not be made.*--state/, 2));
    });
    it('not when it is read-only', function () {
      // Permissions don't stop root; a folder of /proc does.
      if (!existsSync('/proc/self')) this.skip();
      assert.throws(() => folders.own('/proc/self'), isFault('not_writable', /permission/, 2));
    });
    it('not when it is of another version', async () => {
      await folders.own().close();
      writeFileSync(join(folders.path, 'version'), '{"state_version":7,"program_version":"9.1.0"}\n');
      assert.throws(() => folders.own(), isFault('other_version', /version 7, made by smart-backfill 9\.1\.0.*reads version 1/s, 2));
      writeFileSync(join(folders.path, 'version'), 'NBA 2K');
      assert.throws(() => folders.own(), isFault('other_version', /not ours \(NBA 2K\)/, 2));
      rmSync(join(folders.path, 'version'));
      folders.own();
    });
  });

  describe('has one owner', () => {
    it('who is named to a second process', async () => {
      const process_ = await folders.ownerProcess('own');
      const opened = openStateFolder(folders.path, '1.0.0', Date.now());
      assert.equal(opened.kind === 'owned_by' && opened.owner?.pid, process_.pid);
    });
    it('also within one process', () => {
      folders.own();
      assert.equal(openStateFolder(folders.path, '1.0.0', Date.now()).kind, 'owned_by');
    });
    it('and a new one when that was killed, whatever it left', async () => {
      const process_ = await folders.ownerProcess('serve');
      await killed(process_);
      assert.equal(readOwner(folders.path)?.pid, process_.pid, 'its file is still there');
      assert.ok(existsSync(join(folders.path, 'owner.sock')));
      const folder = folders.own();
      assert.equal(readOwner(folders.path)?.pid, process.pid);
      await folder.serve(async () => 0);
    });
    it('and a new one when its pid went to another process', async () => {
      mkdirSync(folders.path);
      const stranger = { pid: process.ppid, startTime: 'boot 12345', version: '1.0.0', since: 1, socket: null };
      writeFileSync(join(folders.path, 'owner.json'), JSON.stringify(stranger));
      folders.own();
    });
    it('when its lock file was written in half, or by something else', () => {
      mkdirSync(folders.path);
      writeFileSync(join(folders.path, 'owner.json'), '{"pid": 1');
      folders.own();
    });
    it('and not two where the file system keeps no locks', function () {
      const startTime = startTimeOf(process.ppid);
      if (startTime === null) this.skip();
      mkdirSync(folders.path);
      writeFileSync(join(folders.path, 'owner.json'), JSON.stringify({ pid: process.ppid, startTime, version: '1.0.0', since: 1, socket: null }));
      assert.throws(() => folders.own(), new RegExp(`owned by ${process.ppid}`));
    });
    it('one of many that start at once', async () => {
      const outcomes = await Promise.all(Array.from({ length: 4 }, async () => (await folders.child('own')).said));
      assert.deepEqual(outcomes.sort(), ['owned\n', 'owned_by\n', 'owned_by\n', 'owned_by\n']);
    });
  });
});
