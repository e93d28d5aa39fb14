import { constants, setPriority } from 'node:os';

/**
 * Has the operating system prefer others to this process, and to the threads that it starts from now on: what an API
 * on the same machine does not use is still all its own.
 */
export function lowPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where it may not be changed, everything is as it was.
  }
}
