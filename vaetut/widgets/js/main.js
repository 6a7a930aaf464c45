// @ts-check
// The one script of all widgets: mounts those of a built page, and is the module that
// anywidget asks for. Tests and benchmarks ask the background what it computes.

import betaExplorer from "./beta_explorer.js";
import drawExplorer from "./draw_explorer.js";
import faceExplorer from "./face_explorer.js";
import gammaExplorer from "./gamma_explorer.js";
import latentExplorer from "./latent_explorer.js";
import liveTrainer from "./live_trainer.js";
import lossLedger from "./loss_ledger.js";
import parameterLedger from "./parameter_ledger.js";
import polarExplorer from "./polar_explorer.js";
import radiusExplorer from "./radius_explorer.js";
import rotationExplorer from "./rotation_explorer.js";
import sheetExplorer from "./sheet_explorer.js";
import starExplorer from "./star_explorer.js";
import transectExplorer from "./transect_explorer.js";
import walkExplorer from "./walk_explorer.js";
import { inBackground, workInBackground } from "./background.js";
import { beginLive, beginOnPage } from "./explorer.js";

const WIDGETS = [
  betaExplorer,
  drawExplorer,
  faceExplorer,
  gammaExplorer,
  latentExplorer,
  liveTrainer,
  lossLedger,
  parameterLedger,
  polarExplorer,
  radiusExplorer,
  rotationExplorer,
  sheetExplorer,
  starExplorer,
  transectExplorer,
  walkExplorer,
];

if (typeof document === "undefined") workInBackground();
else beginOnPage(WIDGETS);

export default { render: (view) => beginLive(WIDGETS, view), inBackground };
