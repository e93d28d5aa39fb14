import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Whether this process's own requests to bring a file to the disk fail, as on a broken disk. To be imported before
 * whatever makes them.
 */
export const failingSync = { isOn: false };

const broken = (): NodeJS.ErrnoException =>
  Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' });

const now = fs.fdatasyncSync;
const later = fs.fdatasync;
fs.fdatasyncSync = (descriptor) => {
  if (failingSync.isOn) throw broken();
  now(descriptor);
};
const patched = (descriptor: number, callback: fs.NoParamCallback): void => {
  if (failingSync.isOn) setImmediate(() => callback(broken()));
  else later(descriptor, callback);
};
fs.fdatasync = Object.assign(patched, { __promisify__: later.__promisify__ });
syncBuiltinESMExports();
