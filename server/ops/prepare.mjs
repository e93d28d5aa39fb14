// Makes a checkout ready to run: installs and builds what is missing, and does nothing when nothing is.
// Plain JavaScript without dependencies, since it runs before there are any. It writes to stderr only.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sourceFolders = ['adapter', 'server', 'migrations', 'compare', 'test'];
const assetTypes = new Set(['.html', '.css', '.sql', '.json', '.svg']);
const installMark = join(root, 'node_modules', '.crossfade-lock');
const buildMark = join(root, 'dist', '.crossfade-build');
const lock = join(root, '.crossfade', 'prepare.lock');

// For container images, whose layers are made one by one.
const installOnly = process.argv[2] === 'install';

checkNode();
// Another prepare may be at work on what this one would call ready, so even the look happens under the lock.
if (existsSync(lock) || whyInstall() !== undefined || (!installOnly && whyBuild() !== undefined)) {
  takeLock();
  install();
  if (!installOnly) build();
}

function checkNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
  const found = process.versions.node.split('.').map(Number);
  const fits = wanted.split('||').some((range) => {
    const [, operator, ...parts] =
      range.trim().match(/^(\^|>=)(\d+)(?:\.(\d+))?/) ?? fail(`cannot read "engines": ${wanted}`);
    const [major, minor] = [Number(parts[0]), Number(parts[1] ?? 0)];
    if (found[0] === major) return found[1] >= minor;
    return operator === '>=' && found[0] > major;
  });
  if (!fits) fail(`this is Node ${process.versions.node}; Crossfade needs Node ${wanted}`);
}

function whyInstall() {
  if (!existsSync(join(root, 'node_modules'))) return 'there is no node_modules yet';
  if (!existsSync(installMark)) return 'nothing tells whether node_modules is complete';
  if (readFileSync(installMark, 'utf8') !== installation()) return 'package-lock.json or Node has changed';
  return undefined;
}

/** What node_modules was made from; compiled packages fit one version of Node's binary interface. */
function installation() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    const text = readFileSync(join(root, file), 'utf8');
    hash.update(file === 'package.json' ? dependenciesOf(JSON.parse(text)) : text);
  }
  return `${hash.digest('hex')} ${process.versions.modules} ${process.platform}-${process.arch}\n`;
}

function dependenciesOf({ dependencies, devDependencies, peerDependencies, allowScripts }) {
  return JSON.stringify({ dependencies, devDependencies, peerDependencies, allowScripts });
}

function install() {
  const why = whyInstall();
  if (why === undefined) return;
  say(`installing dependencies, since ${why} (up to three minutes where better-sqlite3 has to be compiled)`);
  // npm tells its scripts which command started them; this one is a new command.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(command|lifecycle|package)_/.test(name)),
  );
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=warn'];
  const options = {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  };
  const result = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  if (result.error !== undefined) fail(`npm does not start: ${result.error.message}`);
  if (result.status !== 0) {
    process.stderr.write(output);
    if (
      /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/.test(output)
    ) {
      fail(
        'npm cannot reach its registry: check the network (or the proxy and registry in your npm configuration), then try again',
      );
    }
    fail(`npm ci failed with exit status ${result.status ?? result.signal}; its output is above`);
  }
  writeFileSync(installMark, installation());
}

function whyBuild() {
  if (!existsSync(buildMark)) return 'there is no complete build yet';
  const [builtMs, listed] = readFileSync(buildMark, 'utf8').split('\n');
  const { newestMs, newest, list } = sources();
  if (newestMs > Number(builtMs)) return `${newest} has changed`;
  if (list !== listed) return 'files were added or removed';
  return undefined;
}

/** What the build is made from: the time of the newest file, and a digest of all names. */
function sources() {
  const files = [join(root, 'tsconfig.json'), ...(existsSync(installMark) ? [installMark] : [])];
  for (const folder of sourceFolders) walk(join(root, folder), files);
  let newestMs = 0;
  let newest = '';
  for (const file of files) {
    const { mtimeMs } = statSync(file);
    if (mtimeMs > newestMs) [newestMs, newest] = [mtimeMs, relative(root, file)];
  }
  const list = createHash('sha256')
    .update(files.map((file) => relative(root, file)).join('\n'))
    .digest('hex');
  return { newestMs, newest, list, files };
}

function walk(folder, files) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, files);
    else if (extname(path) === '.ts' || assetTypes.has(extname(path))) files.push(path);
  }
}

function build() {
  const why = whyBuild();
  if (why === undefined) return;
  say(`building, since ${why}`);
  // Taken before compiling: what changes meanwhile is built the next time.
  const { newestMs, list, files } = sources();
  removeStale(files);
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(
    process.execPath,
    [compiler, '--project', root, '--pretty', String(process.stderr.isTTY === true)],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    },
  );
  if (result.status !== 0) {
    process.stderr.write(result.stdout ?? '');
    fail('the sources do not compile; the errors are above');
  }
  for (const file of files.filter((path) => assetTypes.has(extname(path)) && path !== join(root, 'tsconfig.json'))) {
    const target = join(root, 'dist', relative(root, file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
  writeFileSync(buildMark, `${newestMs}\n${list}\n`);
}

/** Output whose source is gone would still be run: a renamed test, for one. */
function removeStale(files) {
  const wanted = new Set(files.map((file) => relative(root, file).replace(/\.ts$/, '')));
  for (const folder of sourceFolders) removeStaleIn(join(root, 'dist', folder), wanted);
}

function removeStaleIn(folder, wanted) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeStaleIn(path, wanted);
    else {
      const name = relative(join(root, 'dist'), path);
      const isThere = wanted.has(name) || wanted.has(name.replace(/(\.d\.ts|\.js\.map|\.js)$/, ''));
      if (!isThere) rmSync(path);
    }
  }
}

/** Waits for another prepare, whose work then is this one's too. A lock whose process is gone is taken over. */
function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  // Made complete under a name of its own and then moved into place, so that a lock never lacks its owner.
  const mine = `${lock}.${process.pid}`;
  rmSync(mine, { recursive: true, force: true });
  mkdirSync(mine);
  writeFileSync(join(mine, 'pid'), String(process.pid));
  process.on('exit', () => {
    rmSync(mine, { recursive: true, force: true });
    if (ownerOfLock() === process.pid) rmSync(lock, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
  let isWaitingSaid = false;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      renameSync(mine, lock);
      return;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) throw error;
    }
    const owner = ownerOfLock();
    if (owner !== undefined && !isAlive(owner)) {
      // Moved aside first: of several that find it stale, one succeeds.
      const aside = `${lock}.stale.${process.pid}`;
      try {
        renameSync(lock, aside);
        rmSync(aside, { recursive: true, force: true });
      } catch {
        // Another was faster.
      }
      continue;
    }
    if (!isWaitingSaid) say(`waiting for process ${owner}, which installs or builds right now`);
    isWaitingSaid = true;
    Atomics.wait(nap, 0, 0, 100);
  }
}

function ownerOfLock() {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function say(text) {
  process.stderr.write(`crossfade: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
