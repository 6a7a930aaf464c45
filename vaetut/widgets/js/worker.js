// @ts-check
// The worker that background.js starts, from this module's text.

import { serve } from "./tasks.js";

const act = serve((answer, buffers = []) => postMessage(answer, { transfer: buffers }));
onmessage = ({ data }) => act(data);
