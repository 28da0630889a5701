// The page's client. Elements and modules share it, and all tabs of the browser share its stream.

import NexoraRT from "/api/realtime/assets/nexora-rt.js";

export const rt = NexoraRT.default;
