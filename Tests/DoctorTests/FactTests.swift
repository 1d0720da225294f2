import Testing

@testable import Doctor

@Suite struct FactTests {
  @Test func `lists of processors are read and written as the kernel does`() {
    #expect(SystemFiles.numbers("0-3,8, 10-11") == [0, 1, 2, 3, 8, 10, 11])
    #expect(SystemFiles.numbers("") == [] && SystemFiles.numbers("x,3-1,2-,-4,0-999999,7") == [7])
    #expect(Diagnosis.numbers([11, 10, 0, 1, 2, 3, 8]) == "0-3,8,10-11")
    #expect(Diagnosis.numbers([]) == "")
  }

  @Test func `kernels are compared by number`() {
    #expect(KernelVersion("6.1.0-25-amd64") == KernelVersion(major: 6, minor: 1))
    #expect(KernelVersion("5.15-rc3") == KernelVersion(major: 5, minor: 15))
    #expect(KernelVersion("linux") == nil)
    #expect(KernelVersion(major: 6, minor: 10) > KernelVersion(major: 6, minor: 9))
  }

  @Test func `fields and choices are found`() {
    #expect(SystemFiles.field("flags", of: "flags2 : a\nflags\t\t: fpu vme\n") == "fpu vme")
    #expect(SystemFiles.field("CapEff", of: "Name:\tx\n") == nil)
  }
}
