/// The pairs this initiator acts on, and those its simulated target reports.
///
/// Source: SPC-5, annex F.2 (additional sense codes).
extension AdditionalSense {
  // Not ready.
  @inlinable package static var noAdditionalSense: AdditionalSense {
    AdditionalSense(code: 0x00, qualifier: 0x00)
  }
  @inlinable package static var causeNotReportable: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x00)
  }
  @inlinable package static var becomingReady: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x01)
  }
  @inlinable package static var initializingCommandRequired: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x02)
  }
  @inlinable package static var manualInterventionRequired: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x03)
  }
  @inlinable package static var formatInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x04)
  }
  @inlinable package static var rebuildInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x05)
  }
  @inlinable package static var recalculationInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x06)
  }
  @inlinable package static var operationInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x07)
  }
  @inlinable package static var longWriteInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x08)
  }
  @inlinable package static var selfTestInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x09)
  }
  @inlinable package static var asymmetricAccessStateTransition: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x0A)
  }
  @inlinable package static var targetPortInStandbyState: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x0B)
  }
  @inlinable package static var targetPortInUnavailableState: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x0C)
  }
  @inlinable package static var spaceAllocationInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x14)
  }
  @inlinable package static var startStopUnitInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x1A)
  }
  @inlinable package static var sanitizeInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x1B)
  }
  @inlinable package static var configurationInProgress: AdditionalSense {
    AdditionalSense(code: 0x04, qualifier: 0x1D)
  }
  @inlinable package static var mediumNotPresent: AdditionalSense {
    AdditionalSense(code: 0x3A, qualifier: 0x00)
  }

  // Illegal request.
  @inlinable package static var parameterListLengthError: AdditionalSense {
    AdditionalSense(code: 0x1A, qualifier: 0x00)
  }
  @inlinable package static var invalidCommandOperationCode: AdditionalSense {
    AdditionalSense(code: 0x20, qualifier: 0x00)
  }
  @inlinable package static var logicalBlockAddressOutOfRange: AdditionalSense {
    AdditionalSense(code: 0x21, qualifier: 0x00)
  }
  @inlinable package static var invalidFieldInCDB: AdditionalSense {
    AdditionalSense(code: 0x24, qualifier: 0x00)
  }
  @inlinable package static var logicalUnitNotSupported: AdditionalSense {
    AdditionalSense(code: 0x25, qualifier: 0x00)
  }
  @inlinable package static var invalidFieldInParameterList: AdditionalSense {
    AdditionalSense(code: 0x26, qualifier: 0x00)
  }

  // Data protect.
  @inlinable package static var writeProtected: AdditionalSense {
    AdditionalSense(code: 0x27, qualifier: 0x00)
  }
  @inlinable package static var spaceAllocationFailedWriteProtect: AdditionalSense {
    AdditionalSense(code: 0x27, qualifier: 0x07)
  }

  // Unit attention.
  @inlinable package static var mediumMayHaveChanged: AdditionalSense {
    AdditionalSense(code: 0x28, qualifier: 0x00)
  }
  @inlinable package static var powerOnOrReset: AdditionalSense {
    AdditionalSense(code: 0x29, qualifier: 0x00)
  }
  @inlinable package static var powerOnOccurred: AdditionalSense {
    AdditionalSense(code: 0x29, qualifier: 0x01)
  }
  @inlinable package static var scsiBusResetOccurred: AdditionalSense {
    AdditionalSense(code: 0x29, qualifier: 0x02)
  }
  @inlinable package static var busDeviceResetFunctionOccurred: AdditionalSense {
    AdditionalSense(code: 0x29, qualifier: 0x03)
  }
  @inlinable package static var nexusLossOccurred: AdditionalSense {
    AdditionalSense(code: 0x29, qualifier: 0x07)
  }
  @inlinable package static var modeParametersChanged: AdditionalSense {
    AdditionalSense(code: 0x2A, qualifier: 0x01)
  }
  @inlinable package static var asymmetricAccessStateChanged: AdditionalSense {
    AdditionalSense(code: 0x2A, qualifier: 0x06)
  }
  @inlinable package static var capacityDataHasChanged: AdditionalSense {
    AdditionalSense(code: 0x2A, qualifier: 0x09)
  }
  @inlinable package static var commandsClearedByAnotherInitiator: AdditionalSense {
    AdditionalSense(code: 0x2F, qualifier: 0x00)
  }
  @inlinable package static var thinProvisioningSoftThresholdReached: AdditionalSense {
    AdditionalSense(code: 0x38, qualifier: 0x07)
  }
  @inlinable package static var inquiryDataHasChanged: AdditionalSense {
    AdditionalSense(code: 0x3F, qualifier: 0x03)
  }
  @inlinable package static var reportedLUNsDataHasChanged: AdditionalSense {
    AdditionalSense(code: 0x3F, qualifier: 0x0E)
  }

  // Medium, transport and the rest.
  @inlinable package static var writeError: AdditionalSense {
    AdditionalSense(code: 0x0C, qualifier: 0x00)
  }
  @inlinable package static var unrecoveredReadError: AdditionalSense {
    AdditionalSense(code: 0x11, qualifier: 0x00)
  }
  @inlinable package static var miscompareDuringVerify: AdditionalSense {
    AdditionalSense(code: 0x1D, qualifier: 0x00)
  }
  @inlinable package static var internalTargetFailure: AdditionalSense {
    AdditionalSense(code: 0x44, qualifier: 0x00)
  }
  @inlinable package static var protocolServiceCRCError: AdditionalSense {
    AdditionalSense(code: 0x47, qualifier: 0x05)
  }
  @inlinable package static var overlappedCommandsAttempted: AdditionalSense {
    AdditionalSense(code: 0x4E, qualifier: 0x00)
  }
  @inlinable package static var insufficientResources: AdditionalSense {
    AdditionalSense(code: 0x55, qualifier: 0x03)
  }
}
