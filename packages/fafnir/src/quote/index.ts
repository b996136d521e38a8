// Room card: fafnir/quote
// In:    nothing.
// Out:   the mathematics of market making as pure functions: models, calibration, the paper's experiment.
// Holds: usable alone; the native module is opened on first use.
// Costs: loading.
export {
  calibrateDepths,
  calibrateFills,
  calibrateRecording,
  type CalibrateOptions,
  type CalibrationRefusal,
  type CalibrationSide,
  type DepthsInput,
  type FitInterval,
  type IntensityFit,
  type IntensityPoint,
  type OwnFillsFit,
  type OwnFillsInput,
  type RecordingCalibration,
} from './calibrate.js'
export {
  fullSpread,
  glft,
  intensitySpread,
  inventorySpread,
  paperExperiment,
  reservationPrice,
  stationaryPrices,
  type BySide,
  type ExperimentOptions,
  type ExperimentResult,
  type ExperimentStrategy,
  type GlftInputs,
  type GlftResult,
  type ReservationInputs,
  type SpreadInputs,
  type StationaryInputs,
} from './models.js'
export { calibrationPlot, experimentPlot } from './plots.js'
